import { hash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Fault } from '../../domain/fault.ts';
import type { Principal } from '../../domain/policy.ts';

/** A caller by the hash of its token: the file never holds the token itself. */
export interface Token {
  readonly sha256: Buffer;
  readonly principal: Principal;
}

const fileShape = z
  .array(
    z.strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'has to be a name of letters, digits, . _ -'),
      sha256: z.string().regex(/^[0-9a-fA-F]{64}$/, 'has to be the SHA-256 of the token in hex'),
      grants: z
        .array(
          z.strictObject({
            actions: z.array(z.enum(['publish', 'read', 'operate'])).min(1),
            namespace: z
              .string()
              .regex(/^(\*|[A-Za-z0-9][A-Za-z0-9_-]{0,63})$/, 'has to be a namespace or *'),
          }),
        )
        .min(1),
    }),
  )
  .min(1)
  .max(10_000);

/** Reads the text of a tokens file. Throws `TOKENS_INVALID` with every fault, none of which shows a hash. */
export function parseTokens(text: string, place: string): readonly Token[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Fault('TOKENS_INVALID', { file: place, faults: ['not JSON'] });
  }
  const read = fileShape.safeParse(json);
  if (!read.success)
    throw new Fault('TOKENS_INVALID', {
      file: place,
      faults: read.error.issues.map(({ path, message }) => `/${path.join('/')}: ${message}`),
    });
  const twice = [...repeated(read.data.map(({ name }) => name))].map((name) => `name ${name} stands twice`);
  if (repeated(read.data.map(({ sha256 }) => sha256.toLowerCase())).size > 0)
    twice.push('a sha256 stands twice');
  if (twice.length > 0) throw new Fault('TOKENS_INVALID', { file: place, faults: twice });
  return read.data.map(({ name, sha256, grants }) => ({
    sha256: Buffer.from(sha256, 'hex'),
    principal: { name: `token:${name}`, grants },
  }));
}

/** Reads the file that `ANNAL_TOKENS_FILE` names. Rejects with `TOKENS_INVALID`. */
export async function readTokens(file: string): Promise<readonly Token[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Fault('TOKENS_INVALID', { file, faults: ['cannot be read'] }, error);
  }
  return parseTokens(text, file);
}

/** Whose token it is. Looks at every entry, each in constant time, so that time tells nothing. */
export function principalOf(tokens: readonly Token[], token: string): Principal | undefined {
  const digest = hash('sha256', token, 'buffer');
  let found: Principal | undefined;
  for (const { sha256, principal } of tokens) if (timingSafeEqual(sha256, digest)) found = principal;
  return found;
}

const repeated = (texts: readonly string[]): Set<string> =>
  new Set(texts.filter((text, index) => texts.indexOf(text) !== index));
