import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { usage } from './failure.ts';
import { itemLines } from './item-lines.ts';
import { visible } from './print.ts';
import { type Run, textOf } from './session.ts';

export interface ToldSchema {
  readonly name: string;
  readonly version: number;
  readonly id: number | string;
  readonly schema: string;
  readonly deprecated: { readonly by: string; readonly reason: string } | null;
}

/** Of a name or an id: as a table the text alone, so that it can go into a file. */
export const run: Run = async (session, [name, version = 'latest'], options) => {
  const id = textOf(options, 'id');
  if ((name === undefined) === (id === undefined)) throw usage('either a name or --id says which schema');
  const path =
    name === undefined
      ? `/v1/schemas/ids/${encodeURIComponent(id!)}`
      : `/v1/schemas/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}`;
  await using connection = await connect(session, { settled: false });
  const { text } = await ask(connection.call, 'GET', path, { signal: session.io.signal });
  if (session.output === 'json' || (session.output === 'ndjson' && name !== undefined)) {
    await session.write(`${text}\n`);
    return exitCodes.ok;
  }
  if (session.output === 'ndjson') {
    for (const line of itemLines(text)) await session.write(line);
    return exitCodes.ok;
  }
  const told = JSON.parse(text) as ToldSchema | { readonly items: readonly [ToldSchema] };
  const schema = 'items' in told ? told.items[0] : told;
  session.note(visible(`${schema.name}, version ${schema.version}, id ${schema.id}`));
  if (schema.deprecated !== null)
    session.note(visible(`deprecated by ${schema.deprecated.by}: ${schema.deprecated.reason}`));
  await session.write(`${schema.schema.replace(/\n$/, '')}\n`);
  return exitCodes.ok;
};
