import { createReadStream } from 'node:fs';
import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { usage } from './failure.ts';
import { tableText, visible } from './print.ts';
import type { ToldSchema } from './schemas-get.ts';
import type { Run, Session } from './session.ts';

const schemaBytesMax = 1024 * 1024;

/** Text of a schema, at most 1 MiB. */
async function schemaIn({ io }: Session, file: string): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of file === '-' ? io.stdin : createReadStream(file)) {
      pieces.push(Buffer.from(piece));
      bytes += piece.length;
      if (bytes > schemaBytesMax) throw usage(`${file} holds more than ${schemaBytesMax} bytes`);
    }
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw usage(`${file}: ${error.message}`);
    throw error;
  }
  return Buffer.concat(pieces).toString('utf8');
}

async function asked(session: Session, [name = '', file = '']: readonly string[], part: string) {
  const body = JSON.stringify({ schema: await schemaIn(session, file) });
  await using connection = await connect(session, { make: true, settled: false });
  const path = `/v1/schemas/${encodeURIComponent(name)}/${part}`;
  const { text } = await ask(connection.call, 'POST', path, { body, signal: session.io.signal });
  if (session.output !== 'table') await session.write(`${text}\n`);
  return text;
}

/** Registers a schema; one that is there already is told as such. */
export const push: Run = async (session, args) => {
  const told = JSON.parse(await asked(session, args, 'versions')) as ToldSchema & { readonly new: boolean };
  if (session.output === 'table') {
    const { name, version, id } = told;
    const what = told.new ? 'registered' : 'was there before';
    await session.write(`${visible(name)}, version ${version}, id ${id}: ${what}\n`);
  }
  if (told.deprecated !== null)
    session.note(visible(`deprecated by ${told.deprecated.by}: ${told.deprecated.reason}`));
  return exitCodes.ok;
};

interface Checked {
  readonly name: string;
  readonly compatible: boolean;
  readonly versions: readonly number[];
  readonly same: number | null;
  readonly breaking: readonly { readonly version: number; readonly at: string; readonly what: string }[];
}

/** Tells what a push would be refused for. */
export const check: Run = async (session, args) => {
  const { name, compatible, versions, same, breaking } = JSON.parse(
    await asked(session, args, 'check'),
  ) as Checked;
  if (session.output === 'table') {
    const among = versions.length === 0 ? 'there is no version yet' : `compared with ${versions.join(', ')}`;
    const verdict =
      same !== null ? `is version ${same}` : compatible ? 'reads all before it' : 'breaks readers';
    if (breaking.length > 0)
      await session.write(
        await tableText(
          session,
          ['VERSION', 'FIELD', 'WHAT'],
          breaking.map(({ version, at, what }) => [String(version), at, what]),
        ),
      );
    else await session.write(`${visible(name)}: ${verdict} (${among})\n`);
    if (breaking.length > 0) session.note(visible(`${name}: ${verdict} (${among})`));
  }
  return compatible ? exitCodes.ok : exitCodes.differs;
};
