import { z } from 'zod';
import { Fault } from '../../domain/fault.ts';
import { type Position, parsePosition } from '../../domain/position.ts';
import { urnFault } from '../../domain/urn.ts';

const textMax = 1_024;
const valuesMax = 100;

/** A query parameter that may stand several times. */
export const repeatable = <T extends z.ZodType<string>>(of: T) =>
  z
    .preprocess((given) => (typeof given === 'string' ? [given] : given), z.array(of).max(valuesMax))
    .optional();

export const text = z.string().min(1).max(textMax);

/** A whole number from `least` to `most`. */
export const count = (least: number, most: number, otherwise: number, description: string) =>
  z
    .string()
    .regex(/^[0-9]{1,6}$/, 'has to be a whole number')
    .transform(Number)
    .refine((given) => given >= least && given <= most, `has to be from ${least} to ${most}`)
    .optional()
    .transform((given) => given ?? otherwise)
    .meta({ type: 'integer', minimum: least, maximum: most, default: otherwise, description });

export const limit = (most: number, otherwise: number) => count(1, most, otherwise, 'most items to answer');

export const cursor = z
  .string()
  .max(8_192)
  .optional()
  .meta({ description: '`next` of the page before; fits only the same search' });

const waitMaxMs = 60_000;

/** `20s`, `500ms`: how long to wait for something to happen; milliseconds. */
export const wait = z
  .string()
  .regex(/^[0-9]{1,6}(?:ms|s)$/, 'has to be written as 20s or 500ms')
  .transform((given) =>
    given.endsWith('ms') ? Number(given.slice(0, -2)) : Number(given.slice(0, -1)) * 1_000,
  )
  .refine((ms) => ms <= waitMaxMs, `has to be at most ${waitMaxMs / 1_000}s`)
  .optional()
  .meta({ description: 'wait at most this long, up to 60s: `20s`, `500ms`', examples: ['20s'] });

export const moment = (description: string) =>
  z
    .string()
    .max(64)
    .optional()
    .meta({ description: `${description}: \`2h\` (ago), ISO with a zone, a date (UTC) or \`@<position>\`` });

/** The URN of a path. Throws `URN_INVALID` with the reason. */
export function checkedUrn(urn: string): string {
  const reason = urnFault(urn);
  if (reason !== undefined) throw new Fault('URN_INVALID', { urn: urn.slice(0, 256).toWellFormed(), reason });
  return urn;
}

/** The position of a path. Throws `POSITION_INVALID`. */
export function checkedPosition(given: string): Position {
  const position = parsePosition(given);
  if (position === undefined)
    throw new Fault('POSITION_INVALID', { given: given.slice(0, 64).toWellFormed() });
  return position;
}

/** Short names of a thing as its URN may be written: `ann` is meant for `urn:li:corpuser:ann`. */
export const named = (
  given: readonly string[] | undefined,
  ...types: readonly string[]
): string[] | undefined =>
  given?.flatMap((name) =>
    name.startsWith('urn:') ? [name] : [name, ...types.map((type) => `urn:li:${type}:${name}`)],
  );
