import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { itemLines } from './item-lines.ts';
import { tableText } from './print.ts';
import { type Run, textOf } from './session.ts';

interface Listed {
  readonly items: readonly {
    readonly name: string;
    readonly namespace: string | null;
    readonly versions: readonly number[];
    readonly latest: { readonly id: number | string; readonly deprecated: object | null } | null;
  }[];
  readonly next?: string;
}

/** Names of schemas, with their newest version. */
export const run: Run = async (session, _args, options) => {
  await using connection = await connect(session, { settled: false });
  const { text } = await ask(connection.call, 'GET', '/v1/schemas', {
    query: { limit: textOf(options, 'limit'), after: textOf(options, 'after') },
    signal: session.io.signal,
  });
  if (session.output === 'json') await session.write(`${text}\n`);
  else if (session.output === 'ndjson') for (const line of itemLines(text)) await session.write(line);
  else {
    const { items, next } = JSON.parse(text) as Listed;
    const rows = items.map(({ name, namespace, versions, latest }) => [
      ...[namespace ?? '-', String(versions.at(-1) ?? '-'), String(latest?.id ?? '-')],
      latest?.deprecated ? 'deprecated' : '-',
      name,
    ]);
    await session.write(await tableText(session, ['NAMESPACE', 'VERSION', 'ID', 'MARK', 'NAME'], rows));
    if (next !== undefined) session.note(`there are more: --after ${next}`);
  }
  return exitCodes.ok;
};
