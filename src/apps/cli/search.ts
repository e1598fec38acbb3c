import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { itemLines } from './item-lines.ts';
import { counted, tableText } from './print.ts';
import { type Run, textOf, textsOf } from './session.ts';

interface Found {
  readonly items: readonly {
    readonly urn: string;
    readonly type: string;
    readonly name: string;
    readonly namespace: string;
    readonly position: string;
  }[];
  readonly total: number;
  readonly next?: string;
  readonly cut: string | null;
}

/** Words to entities. Nothing found is an answer: exit code 0. */
export const run: Run = async (session, words, options) => {
  await using connection = await connect(session);
  const { text } = await ask(connection.call, 'GET', '/v1/search', {
    query: {
      q: words.join(' '),
      type: textsOf(options, 'type'),
      namespace: textsOf(options, 'namespace'),
      platform: textsOf(options, 'platform'),
      owner: textsOf(options, 'owner'),
      tag: textsOf(options, 'tag'),
      limit: textOf(options, 'limit'),
      cursor: textOf(options, 'cursor'),
    },
    signal: session.io.signal,
  });
  const { items, total, next, cut } = JSON.parse(text) as Found;
  if (session.output === 'json') await session.write(`${text}\n`);
  else if (session.output === 'ndjson') for (const line of itemLines(text)) await session.write(line);
  else if (items.length > 0)
    await session.write(
      await tableText(
        session,
        ['NAME', 'TYPE', 'NAMESPACE', 'POSITION', 'URN'],
        items.map(({ name, type, namespace, position, urn }) => [name, type, namespace, position, urn]),
      ),
    );
  const shown = items.length < total ? ` (${items.length} shown)` : '';
  session.note(`${counted(total, 'entity', 'entities')} found${shown}, as of ${cut ?? 'no cut'}`);
  if (next !== undefined) session.note(`more: --cursor ${next}`);
  return exitCodes.ok;
};
