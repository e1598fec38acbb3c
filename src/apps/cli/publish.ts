import { createReadStream } from 'node:fs';
import { isatty } from 'node:tty';
import { Fault } from '../../domain/fault.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { type Line, readLines } from './lines.ts';
import { counted } from './print.ts';
import { openProgress } from './progress.ts';
import { openResults } from './results.ts';
import { type Outgoing, sendEvents } from './send-events.ts';
import type { Io, Run } from './session.ts';

const lineBytesMax = 8 * 1024 * 1024;

/** Events of a file or of standard input, one a line. Ends with 1 where any was refused or none was there. */
export const run: Run = async (session, [file = '-']) => {
  if (file === '-' && isatty(0) && session.io.stdin === process.stdin)
    session.note('reading events from the terminal, one JSON object a line; Ctrl-D ends');
  await using connection = await connect(session, { make: true, settled: false });
  const results = await openResults(session, 'line');
  await using progress = await openProgress(session);
  try {
    const lines = outgoing(readLines(inputOf(session.io, file), lineBytesMax));
    for await (const sent of sendEvents(connection.call, lines, session.io.signal)) {
      await results.take(sent);
      progress.show('publishing', results.counts.all, 0);
    }
  } catch (error) {
    session.note(
      `${counted(results.counts.appended, 'event')} appended before this; publishing the same again is safe`,
    );
    await results.end(error);
    throw error;
  }
  if (results.counts.all === 0) throw new Fault('FILE_EMPTY', { file, reason: 'there is no event in it' });
  await results.end();
  return results.counts.all === results.counts.appended ? exitCodes.ok : exitCodes.failed;
};

async function* outgoing(lines: AsyncIterable<Line>): AsyncGenerator<Outgoing> {
  for await (const { number, bytes } of lines) yield { at: String(number), bytes };
}

async function* inputOf({ stdin }: Io, file: string): AsyncGenerator<Uint8Array | string> {
  if (file === '-') return yield* stdin;
  try {
    yield* createReadStream(file) as AsyncIterable<Buffer>;
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new Fault('FILE_UNREADABLE', { path: file, why }, error);
  }
}
