import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { isRestoredTopic } from '../domain/restored-topic.ts';

/** One thing that can be configured. `parse` takes the text of the environment or of a flag. */
export interface Setting<T> {
  readonly variable: `ANNAL_${string}`;
  /** The long flag that says the same, where there is one. */
  readonly flag?: string;
  readonly about: string;
  /** As somebody would have written it; undefined: nothing. */
  readonly fallback?: string;
  /** Never shown: only that it is set. `if wrong`: the path of a file with a secret, for which people mistake the secret. */
  readonly secret?: true | 'if wrong';
  readonly parse: z.ZodType<T, string>;
}

/** Keeps the type of what `parse` gives. */
export const setting = <T>(given: Setting<T>): Setting<T> => given;

/** What `check` makes of the text; undefined is a fault that says what is `wanted`. */
export const refine = <T>(check: (text: string) => T | undefined, wanted: string): z.ZodType<T, string> =>
  z.string().transform((text, context) => {
    const value = check(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `has to be ${wanted}` });
    return z.NEVER;
  });

/** A whole number in [min, max]. */
export const whole = (min: number, max: number): z.ZodType<number, string> =>
  refine((text) => {
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  }, `a whole number from ${min} to ${max}`);

const units: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Bytes in [min, max], with KiB, MiB or GiB. */
export const bytes = (min: number, max: number): z.ZodType<number, string> =>
  refine((text) => {
    const match = /^([0-9]{1,12}) ?(|KiB|MiB|GiB)$/.exec(text);
    const value = match === null ? Number.NaN : Number(match[1]) * units[match[2]!]!;
    return value >= min && value <= max ? value : undefined;
  }, `bytes from ${min} to ${max}, as 4194304 or 4MiB`);

/** The text itself, where it matches. */
export const matching = (pattern: RegExp, wanted: string): z.ZodType<string, string> =>
  refine((text) => (pattern.test(text) ? text : undefined), wanted);

const logNameText = /^[a-z][a-z0-9-]{0,62}$/;

/** The name of a log. A restored topic is told by its own words: who names one takes it for a log that can be gone on with. */
export const logName = z.string().transform((text, context) => {
  const wanted = isRestoredTopic(text)
    ? 'may not be a restored topic: those are for readers outside, and no part of Annal reads one'
    : 'has to be a name of a-z, 0-9 and -, at most 63, a letter first';
  if (logNameText.test(text)) return text;
  context.addIssue({ code: 'custom', message: wanted });
  return z.NEVER;
});

/** One of the values. */
export const oneOf = <const T extends string>(...values: readonly T[]): z.ZodType<T, string> =>
  refine((text) => values.find((value) => value === text), `one of ${values.join(', ')}`);

/** Items between commas, each once. */
export const list = (item: RegExp, wanted: string): z.ZodType<readonly string[], string> =>
  refine((text) => {
    const items = text.split(',').map((part) => part.trim());
    return items.every((part) => item.test(part)) ? [...new Set(items)] : undefined;
  }, `${wanted}, separated by commas`);

export const url = z.string().transform((text, context) => {
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  const found = URL.parse(text);
  if (found === null || !/^https?:$/.test(found.protocol))
    return refuse('has to be a http:// or https:// URL');
  // An address is printed and logged wherever somebody looks for a server.
  if (found.username !== '' || found.password !== '') return refuse('may not hold a user or a password');
  if (found.search !== '' || found.hash !== '') return refuse('may not hold a query: it may be a signature');
  return text.replace(/\/+$/, '');
});

export const topic = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,200}$/;
export const sourceName = matching(
  /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
  'letters, digits, - and _, at most 64',
);
export const file = matching(/^[^\0]{1,4096}$/, 'a path');
export const connectionString = matching(
  /^(?:UseDevelopmentStorage=true;?|(?:[A-Za-z]+=[^;]*;?){2,})$/,
  'a connection string of a storage account: Name=value;Name=value',
);

const hubParts = [/(?:^|;)Endpoint=sb:\/\/[^;]+/, /;SharedAccessKeyName=[^;]+/, /;SharedAccessKey=[^;]+/];

/** What an Event Hubs namespace gives out under "Shared access policies". Signatures (tokens of SAS) do not work with Kafka. */
export const isHubConnectionString = (text: string): boolean =>
  /^[A-Za-z]+=[^\n]*$/.test(text) && hubParts.every((part) => part.test(text));

export const hubConnectionString = refine(
  (text) => (isHubConnectionString(text) ? text : undefined),
  'a connection string of Event Hubs: Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…',
);

const heldBytesMax = 1024 * 1024;

/** A file that can be read now and whose text, without white space around it, is `held`. What it holds is never told. */
export const fileOf = (held: (text: string) => boolean, wanted: string): z.ZodType<string, string> =>
  refine((path) => {
    try {
      const content = readFileSync(path, 'utf8');
      return content.length <= heldBytesMax && held(content.trim()) ? path : undefined;
    } catch {
      return undefined; // Missing, a folder, not ours to read: the same for who has to mend it.
    }
  }, `a file that can be read and holds ${wanted}`);

export const secretFile = fileOf((text) => text !== '', 'the secret alone');
export const caFile = fileOf(
  (text) => text.includes('-----BEGIN CERTIFICATE-----'),
  'certificates in PEM: -----BEGIN CERTIFICATE-----',
);
export const userName = matching(/^[^\0\n]{1,256}$/, 'a name in one line, at most 256 characters');
export const secretText = matching(/^[^\0\n]{1,16384}$/, 'one line');
