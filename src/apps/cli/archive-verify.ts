import { readFileSync } from 'node:fs';
import { isFault } from '../../domain/fault.ts';
import { type AskedMoment, parseMoment } from '../../domain/moment.ts';
import { type Checkpoint, parseCheckpoint } from '../../formats/checkpoint.ts';
import { parseNote } from '../../formats/note.ts';
import { type NoteVerifier, parseVkey } from '../../formats/note-key.ts';
import { type Repaired, repairArchive } from '../../streams/repair-archive.ts';
import type { ArchiveReport, VerifyArchiveOptions } from '../../streams/verify-archive.ts';
import { readArchive } from '../archive-reading.ts';
import { readConfig } from '../config.ts';
import { verifyByThreads } from '../verify-by-threads.ts';
import { exitCodes } from './exit-codes.ts';
import { usage } from './failure.ts';
import { momentOf } from './moments.ts';
import { counted, painted, tableText } from './print.ts';
import { openProgress } from './progress.ts';
import { isSet, type Options, type Run, type Session, textOf, textsOf } from './session.ts';

/** Checks an archive by itself. Ends with 6 where anything is left that is wrong, each fault named by its place. */
export const run: Run = async (session, _args, options) => {
  const config = readConfig(session.io.env, { data: session.data });
  const repair = isSet(options, 'repair');
  const given = {
    deep: isSet(options, 'deep'),
    since: sinceIn(options),
    keys: textsOf(options, 'key').map(keyIn),
    kept: textsOf(options, 'checkpoint').map(checkpointIn),
  };
  await using archive = await readArchive(config, { folder: textOf(options, 'archive'), change: repair });
  const { store, clock, place } = archive;
  const check = async (what: string): Promise<ArchiveReport> => {
    await using progress = await openProgress(session);
    const told: Pick<VerifyArchiveOptions, 'onProgress'> = {
      onProgress: ({ records }) => progress.show(what, records, 0),
    };
    return await verifyByThreads(place, { store, clock, signal: session.io.signal, ...given, ...told });
  };
  let report = await check('records verified');
  let repaired: readonly Repaired[] = [];
  if (repair && report.derived > 0) {
    repaired = await repairArchive({ store, clock, report, signal: session.io.signal });
    report = await check('records verified again');
  }
  await write(session, report, repaired);
  const wrong = report.truth + report.derived;
  if (wrong === 0) return exitCodes.ok;
  session.note(
    `annal: ${counted(report.truth, 'fault')} in what is truth, ${report.derived} in what is derived\n` +
      (report.truth > 0
        ? '  → keep this archive as it is, and compare what is named with a copy'
        : '  → `annal archive verify --repair` makes it again'),
  );
  return exitCodes.differs;
};

/** What `--since` says: a time, or a position. */
function sinceIn(options: Options): AskedMoment | undefined {
  const text = momentOf(options, 'since', '--since');
  const moment = text === undefined ? undefined : parseMoment(text, 0);
  return moment === undefined || 'wrong' in moment ? undefined : moment;
}

const fileOrText = (given: string, looksLike: RegExp): string =>
  looksLike.test(given) ? given : readFileSync(given, 'utf8');

/** A public key as text, or in a file. */
function keyIn(given: string): NoteVerifier {
  return named('--key', given, () =>
    parseVkey(fileOrText(given, /^[^+/]+(?:\/[^+]*)?\+[0-9a-f]{8}\+/).trimEnd()),
  );
}

/** A checkpoint that somebody kept in a file. */
function checkpointIn(file: string): Checkpoint & { readonly blob: string } {
  return named('--checkpoint', file, () => ({
    ...parseCheckpoint(parseNote(readFileSync(file)).text),
    blob: file,
  }));
}

function named<T>(flag: string, given: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const reason = isFault(error) ? error.message : error instanceof Error ? error.message : String(error);
    throw usage(`${flag} ${JSON.stringify(given)}: ${reason}`);
  }
}

async function write(session: Session, report: ArchiveReport, repaired: readonly Repaired[]): Promise<void> {
  if (session.output === 'json') return session.write(`${JSON.stringify({ ...report, repaired })}\n`);
  if (session.output === 'ndjson') {
    for (const finding of report.findings) await session.write(`${JSON.stringify(finding)}\n`);
    return;
  }
  await session.write(await reportText(session, report, repaired));
}

const count = (value: number | null): string => (value === null ? '?' : value.toLocaleString('en'));

async function reportText(
  session: Session,
  report: ArchiveReport,
  repaired: readonly Repaired[],
): Promise<string> {
  const { archive, name, deep, truth, derived, records, findings } = report;
  const sound = truth + derived === 0;
  const verdict = painted(session, sound ? 'green' : 'red', sound ? 'sound' : 'AT FAULT');
  const how = deep
    ? `${counted(records, 'record')} read and hashed`
    : `${counted(records, 'record')}, not read`;
  const signers = report.keysGiven ? 'keys that were given' : 'keys that the archive names';
  const head = `${name} in ${archive}: ${verdict}, ${how}; ${counted(report.cuts, 'cut')}; checked with ${signers}\n`;
  const lanes = await tableText(
    session,
    ['LANE', 'SEGMENTS', 'RECORDS', 'NEXT', 'LEAVES', 'IN TREE', 'SIGNED', 'MISSING'],
    report.lanes.map(({ epoch, partition, segments, missing, ...lane }) => [
      `${epoch}-${partition}`,
      count(segments),
      count(lane.records),
      String(lane.next),
      count(lane.leaves),
      count(lane.tree),
      count(lane.signed),
      missing.map(({ kind, first, next }) => `${kind} ${first}-${next - 1}`).join(' ') || '-',
    ]),
  );
  const mended = repaired.map(
    ({ what, done, reason }) => `${done ? 'made again' : 'left'}: ${what} (${reason})\n`,
  );
  if (sound) return `${head}\n${lanes}${mended.join('')}`;
  const found = await tableText(
    session,
    ['WRONG', 'OF', 'LANE', 'OFFSET', 'LEAF', 'BLOB', 'WHY'],
    findings.map(({ part, wrong, of, epoch, partition, offset, leaf, blob, reason }) => [
      `${part} ${wrong}`,
      of,
      epoch === null ? '-' : `${epoch}-${partition}`,
      String(offset ?? '-'),
      String(leaf ?? '-'),
      blob,
      reason,
    ]),
  );
  const more = truth + derived - findings.length;
  return `${head}\n${lanes}\n${found}${more > 0 ? `… and ${more} more\n` : ''}${mended.join('')}`;
}
