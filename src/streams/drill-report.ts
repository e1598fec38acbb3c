import { Fault } from '../domain/fault.ts';
import type { NoteSigner } from '../formats/note-key.ts';
import { parseSignedJson, signedJson } from '../formats/signed-json.ts';
import type { StateStore } from '../ports/archive.ts';
import { drillName, drillsPrefix } from './archive-names.ts';
import type { CoveringCheckpoint } from './covering-checkpoint.ts';

/** A read model that was brought back from the archive alone. */
export interface RecoveredModel {
  readonly projection: string;
  readonly version: number;
  /** Text of the cut it was brought to. */
  readonly cut: string;
  readonly events: number;
  readonly documents: number;
  /** Of these, how many the engine keeps whole and no search finds. */
  readonly unindexable: number;
  /** Of what was folded and of what was read back. */
  readonly root: string;
  readonly tookMs: number;
  /** What the live one held at the same cut; null where none was there to compare with. */
  readonly live: LiveRoot | null;
}

export interface LiveRoot {
  readonly index: string;
  readonly root: string;
  /** Of its documents, how many no search finds. */
  readonly unsearchable: number;
}

/** Whether what serves is what was brought back, and all found; or nothing was there to compare with. */
export const isSame = ({ live, root }: RecoveredModel): boolean =>
  live === null || (live.root === root && live.unsearchable === 0);

/** What a recovery, or a drill of one, brought back, and how long that took. Everything in it is JSON. */
export interface DrillReport {
  readonly id: string;
  /** recovery: of a log that was lost; drill: beside one that is not. */
  readonly kind: 'recovery' | 'drill';
  /** Id and name of the log. */
  readonly log: string;
  readonly name: string;
  /** proven: every model was read back as folded, and is what the live one is where that is there, which is found. */
  readonly result: 'proven' | 'differs' | 'failed';
  /** What it failed of. */
  readonly fault: { readonly code: string; readonly message: string } | null;
  /** The archive, and where it was brought back: for people. */
  readonly archive: string;
  readonly into: string;
  /** The newest checkpoint that covers all the models' cuts. */
  readonly checkpoint: CoveringCheckpoint | null;
  readonly models: readonly RecoveredModel[];
  /** UTC ms; `tookMs` is the recovery alone, without the reading of live models. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly tookMs: number;
  /** What no archive brings back, and why. */
  readonly notRecovered: readonly { readonly what: string; readonly why: string }[];
}

/** A report as it is kept: its text under a signature, or alone where no key was configured. */
export interface KeptDrill {
  readonly report: DrillReport;
  /** A C2SP signed note, or its text alone. */
  readonly note: string;
  /** Names of the keys under it, as the note has them: who reads it checks them. */
  readonly signedBy: readonly string[];
}

const firstLine = 'annal drill report v1';
const idPattern = /^[0-9a-f-]{36}$/;

/** What a recovery from an archive cannot bring back, whatever the profile. */
export const notRecovered: DrillReport['notRecovered'] = [
  {
    what: 'the private key that signs',
    why: 'whoever has the archive could sign with it: keep a copy elsewhere, or a new one signs on and joins the keys',
  },
  {
    what: 'settings, tokens, namespace rules, given schemas',
    why: 'files of the deployment, kept with it; schemas of what is archived are in the archive',
  },
  {
    what: 'events that were acknowledged and not archived yet',
    why: 'the log alone held them: those of the last flush, 10 s by default',
  },
  {
    what: 'indexes of a past cut, the way back, the last comparison',
    why: 'they belong to indexes that are gone, and can be made again',
  },
  {
    what: 'records of runs of `annal restore`, claims, rebuilds under way',
    why: 'they belong to the topics, processes and indexes of the place that was lost',
  },
];

/** Signs a report, where there is a key. */
export const drillNote = (report: DrillReport, signer: NoteSigner | undefined): KeptDrill => ({
  report,
  ...signedJson(firstLine, report, signer),
});

/** A report read back. Throws `NOTE_INVALID` for any other text. */
export function parseDrill(bytes: Uint8Array): KeptDrill {
  const { value, ...kept } = parseSignedJson(firstLine, bytes);
  if (!isReport(value)) throw new Fault('NOTE_INVALID', { reason: 'no report of a drill' });
  return { report: value, ...kept };
}

type Loose<T> = { readonly [Name in keyof T]?: unknown };

const areTexts = (...values: readonly unknown[]): boolean =>
  values.every((value) => typeof value === 'string');
/** A span is below 0 where the machine's clock was set back meanwhile. */
const areWhole = (...values: readonly unknown[]): boolean => values.every(Number.isSafeInteger);
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isNullOr = (value: unknown, test: (found: object) => boolean): boolean =>
  value === null || (isObject(value) && test(value));

/** Whoever may operate hands one in: whoever lists and shows them relies on all of it. */
function isReport(value: unknown): value is DrillReport {
  if (!isObject(value)) return false;
  const { id, kind, log, name, result, fault, archive, into, ...more }: Loose<DrillReport> = value;
  const { checkpoint, models, startedAt, endedAt, tookMs, notRecovered }: Loose<DrillReport> = more;
  return (
    areTexts(id, log, name, archive, into) &&
    idPattern.test(String(id)) &&
    (kind === 'recovery' || kind === 'drill') &&
    (result === 'proven' || result === 'differs' || result === 'failed') &&
    areWhole(startedAt, endedAt, tookMs) &&
    isNullOr(fault, ({ code, message }: Loose<NonNullable<DrillReport['fault']>>) =>
      areTexts(code, message),
    ) &&
    isNullOr(checkpoint, isCheckpoint) &&
    Array.isArray(models) &&
    models.every(isModel) &&
    Array.isArray(notRecovered) &&
    notRecovered.every((one) => isObject(one) && 'what' in one && 'why' in one && areTexts(one.what, one.why))
  );
}

const isCheckpoint = ({ origin, size, root }: Loose<CoveringCheckpoint>): boolean =>
  areTexts(origin, root) && areWhole(size);

function isModel(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { projection, version, cut, events, documents, unindexable }: Loose<RecoveredModel> = value;
  const { root, tookMs, live }: Loose<RecoveredModel> = value;
  return (
    areTexts(projection, cut, root) &&
    areWhole(version, events, documents, unindexable, tookMs) &&
    isNullOr(live, (of: Loose<LiveRoot>) => areTexts(of.index, of.root) && areWhole(of.unsearchable))
  );
}

/** Keeps a report for good: the same again is kept already. Throws `NOTE_INVALID` where its id is another one's. */
export async function keepDrill(state: StateStore, { report, note }: KeptDrill): Promise<void> {
  const [name, bytes] = [drillName(report.id), Buffer.from(note)];
  if ((await state.write(name, bytes, null)) !== 'changed') return;
  if ((await state.read(name))?.bytes.equals(bytes) !== true)
    throw new Fault('NOTE_INVALID', { reason: 'another report has its id', id: report.id });
}

export async function readDrill(state: StateStore, id: string): Promise<KeptDrill | undefined> {
  if (!idPattern.test(id)) return undefined;
  const found = await state.read(drillName(id));
  return found === undefined ? undefined : parseDrill(found.bytes);
}

/** Ids of the reports, newest first: they begin with their time. */
export async function drillIds(state: StateStore): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { name } of state.list(drillsPrefix)) {
    const id = /^drills\/([^/]+)\.note$/.exec(name)?.[1];
    if (id !== undefined) ids.push(id);
  }
  return ids.reverse();
}
