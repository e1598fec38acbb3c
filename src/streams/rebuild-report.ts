import { signNote } from '../formats/note.ts';
import type { NoteSigner } from '../formats/note-key.ts';
import { parseSignedJson, signedJsonText } from '../formats/signed-json.ts';
import type { StateStore } from '../ports/archive.ts';
import type { Unsearchable } from '../ports/read-model.ts';
import { reportName, reportsOf } from './archive-names.ts';
import type { CoveringCheckpoint } from './covering-checkpoint.ts';
import type { FoldCounts } from './fold-history.ts';
import type { SearchProof } from './prove-searchable.ts';
import type { RebuildKind } from './rebuild-job.ts';
import type { MemberDone } from './unit-claims.ts';

/** What a rebuild did and proved. Everything in it is JSON. */
export interface RebuildReport {
  readonly id: string;
  readonly kind: RebuildKind;
  /** Id of the log. */
  readonly log: string;
  readonly projection: string;
  readonly version: number;
  /** SHA-256 of what this version of the projection makes of its frozen events. */
  readonly fold: string;
  /** SHA-256 of the fold's code, where it is kept; not in reports of before. */
  readonly bundle?: string | null;
  readonly index: string;
  readonly replaced: string | null;
  /** Text of the cut the index stands at: where it was read back, the last one before it began to serve. */
  readonly cut: string;
  /** Text of the cut of the fold: what came after it, up to `cut`, went in as lanes would take it. */
  readonly folded: string;
  /** The newest checkpoint of the meta log whose leaves reach the cut; null where none does yet. */
  readonly checkpoint: CoveringCheckpoint | null;
  readonly events: number;
  /** Those of them that lie between `folded` and `cut`. */
  readonly followed: number;
  readonly segments: number;
  readonly documents: number;
  /** Documents that the engine cannot search: as many as were accepted at most. The first ones by name. */
  readonly unindexable: number;
  readonly unsearchable: readonly Unsearchable[];
  readonly outcomes: FoldCounts['outcomes'];
  /** Root of what was folded and of what was read back: equal, or there is no report. */
  readonly root: string;
  /** That a search finds what was read back. */
  readonly search: SearchProof | null;
  /** UTC ms. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** How often it was gone on with after a stop. Durations are of all who worked on it. */
  readonly resumed: number;
  readonly foldMs: number;
  readonly readBackMs: number;
  /** Lanes of the fold; their rates over the whole time of it add up to its own. */
  readonly lanes: readonly {
    readonly epoch: number;
    readonly partition: number;
    readonly events: number;
    readonly eventsPerSecond: number | null;
  }[];
  readonly eventsPerSecond: number | null;
  readonly documentsPerSecond: number | null;
  /** Where several processes shared it: who proved and swapped, and who folded and stored how much. */
  readonly ledBy?: string;
  readonly members?: readonly MemberDone[];
}

/** A report as it is kept: its text under a signature, or alone where no key was configured. */
export interface KeptReport {
  readonly report: RebuildReport;
  /** A C2SP signed note, or its text alone. */
  readonly note: string;
  /** Names of the keys under it, as the note has them: who reads it checks them. */
  readonly signedBy: readonly string[];
}

const firstLine = 'annal rebuild report v1';

/** Text of a report, to be signed: a line that says what it is, and one of canonical JSON. */
export const reportText = (report: RebuildReport): string => signedJsonText(firstLine, report);

/** A report read back. Throws `NOTE_INVALID` for any other text. */
export function parseReport(bytes: Uint8Array): KeptReport {
  const { value, note, signedBy } = parseSignedJson(firstLine, bytes);
  return { report: value as RebuildReport, note, signedBy };
}

/** Keeps a report under its id, signed where there is a key. */
export async function keepReport(
  state: StateStore,
  report: RebuildReport,
  signer: NoteSigner | undefined,
): Promise<KeptReport> {
  const text = reportText(report);
  const note = signer === undefined ? text : signNote(text, signer);
  await state.replace(reportName(report.projection, report.id), Buffer.from(note));
  return { report, note, signedBy: signer === undefined ? [] : [signer.name] };
}

export async function readReport(
  state: StateStore,
  projection: string,
  id: string,
): Promise<KeptReport | undefined> {
  const found = await state.read(reportName(projection, id));
  return found === undefined ? undefined : parseReport(found.bytes);
}

/** Ids of the reports of a projection, newest first: ids of rebuilds begin with their time. */
export async function reportIds(state: StateStore, projection: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { name } of state.list(reportsOf(projection))) {
    const id = /\/([^/]+)\.note$/.exec(name)?.[1];
    if (id !== undefined) ids.push(id);
  }
  return ids.reverse();
}

const reportsLookedAt = 20;

/**
 * Of the latest reports of a projection the newest that folded half as many events or more, else the one that folded most: an
 * index of next to nothing, as the first one of a log, says nothing of how long others take. Undefined where none folded any.
 */
export async function measuredReport(
  state: StateStore,
  projection: string,
  events: number,
): Promise<RebuildReport | undefined> {
  let most: RebuildReport | undefined;
  for (const id of (await reportIds(state, projection)).slice(0, reportsLookedAt)) {
    const report = (await readReport(state, projection, id))?.report;
    if (report === undefined || report.events === 0) continue;
    if (2 * report.events >= events) return report;
    if (most === undefined || report.events > most.events) most = report;
  }
  return most;
}
