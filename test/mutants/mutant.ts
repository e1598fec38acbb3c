import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addressVariables, type ServerKind } from '../services/addresses.ts';

/** A bug that breaks a law of ARCHITECTURE.md, and the test that has to notice it. */
export interface Mutant {
  /** Of its file, without `.patch`. */
  readonly name: string;
  /** Absolute. */
  readonly patch: string;
  readonly law: number;
  readonly bug: string;
  /** Relative to the repository. */
  readonly file: string;
  /** Titles from the outermost `describe` to the test, with ` > ` between them, as vitest prints them. */
  readonly test: string;
  /** Servers without which the test cannot run. */
  readonly needs: readonly ServerKind[];
}

const folder = fileURLToPath(new URL('.', import.meta.url));
const firstLine = /^# law ([1-9][0-9]?): (\S.*)$/;
const secondLine = /^# killed by (test\/\S+\.test\.ts): (\S.*)$/;
const thirdLine = /^# needs (\S.*)$/;

const isServer = (name: string): name is ServerKind => Object.hasOwn(addressVariables, name);

/**
 * What the head of a patch says, `git apply` passes over it:
 *
 *     # law 5: an event that was folded before counts again
 *     # killed by test/projections/fold.test.ts: outcomes > the same id again has no effect
 *     # needs kafka, elasticsearch
 *
 * The third line is there for tests of project `services` alone. Throws where anything else stands there.
 */
export function readHead(name: string, text: string): Omit<Mutant, 'patch'> {
  const [one = '', two = '', three = ''] = text.split('\n', 3);
  const [, law, bug] = firstLine.exec(one) ?? [];
  const [, file, test] = secondLine.exec(two) ?? [];
  if (law === undefined || bug === undefined) throw new Error(`${name}: line 1 is no \`# law N: bug\``);
  if (file === undefined || test === undefined)
    throw new Error(`${name}: line 2 is no \`# killed by FILE: TEST\``);
  const needs = thirdLine.exec(three)?.[1]?.split(', ') ?? [];
  if (!needs.every(isServer)) throw new Error(`${name}: line 3 names a server that nobody knows`);
  if (needs.length > 0 !== file.startsWith('test/services/'))
    throw new Error(`${name}: a test below test/services needs servers, any other needs none`);
  return { name, law: Number(law), bug, file, test, needs };
}

/** All mutants, by law and name. */
export function readMutants(): readonly Mutant[] {
  return readdirSync(folder)
    .filter((entry) => entry.endsWith('.patch'))
    .map((entry) => {
      const patch = `${folder}${entry}`;
      return { patch, ...readHead(entry.slice(0, -'.patch'.length), readFileSync(patch, 'utf8')) };
    })
    .sort((a, b) => a.law - b.law || (a.name < b.name ? -1 : 1));
}

/** The variables of addresses that are not set, of a mutant whose test needs servers: it asks for all of them. */
export const missingFor = ({ needs }: Mutant, env: NodeJS.ProcessEnv = process.env): readonly string[] =>
  needs.length === 0 ? [] : Object.values(addressVariables).filter((variable) => !env[variable]);
