import { nearest } from '../intake/nearest.ts';
import type { ConfigFault, Environment } from './config.ts';
import { otherVariables, settings } from './settings.ts';

/** What is shown of a secret. */
export const hidden = '(set, not shown)';

/** A value may be wrong because it holds a password, a key or a signature: those never leave. */
export const shown = (text: string): string =>
  text
    .replace(/^([a-z]+:\/\/)?.*@/is, '$1***@')
    .replace(/((?:key|secret|signature|sig|password|pwd|token)=)[^;&\s]*/gi, '$1***')
    .replace(/([?#]).*$/s, '$1***')
    .slice(0, 200);

/** Variables that look like ours and are none, each with the nearest that is. */
export function unknownVariables(env: Environment): ConfigFault[] {
  const known = Object.values(settings).map(({ variable }) => variable);
  return Object.keys(env)
    .filter((name) => /^ANNAL_/i.test(name) && env[name] !== undefined)
    .filter((name) => !known.some((variable) => variable === name))
    .filter((name) => !otherVariables.some((pattern) => pattern.test(name)))
    .sort()
    .map((name) => {
      const near = nearest(name.toUpperCase(), known);
      return { at: name, what: `is no setting${near === undefined ? '' : `; did you mean ${near}?`}` };
    });
}
