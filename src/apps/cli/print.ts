import { once } from 'node:events';
import { styleText } from 'node:util';
import type { Io, Session } from './session.ts';

/** Resolves once the stream takes more. Rejects when its reader went away. */
export async function writeOut({ stdout, signal }: Io, text: string): Promise<void> {
  if (!stdout.write(text)) await once(stdout, 'drain', { signal });
}

// What a terminal obeys, and what turns text around: neither may come out of data.
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text of the log as it may stand in a terminal: control characters become `\u{1b}`. */
export const visible = (text: string): string =>
  text.replace(unseen, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);

export const painted = (
  session: Session,
  style: 'bold' | 'dim' | 'red' | 'green' | 'yellow',
  text: string,
): string => (session.colour ? styleText(style, text, { validateStream: false }) : text);

/** No column is cut below this, nor below its heading. */
const columnMin = 8;
const gap = 2;
/** Half of one of these says nothing. */
const firm: ReadonlySet<string> = new Set(['TIME', 'POSITION', 'CUT', 'UNTIL', 'CODE', 'SETTING']);

/**
 * Widths of all columns but the last, so that a line fits into `room`: the widest give way first. The last one, a URN or a
 * sentence, is never cut: it is there to be read and copied.
 */
function fitted(head: readonly string[], natural: readonly number[], room: number): number[] {
  const widths = natural.slice(0, -1);
  const gives = (at: number): boolean =>
    !firm.has(head[at]!) && widths[at]! > Math.max(columnMin, head[at]!.length);
  let over = natural.reduce((sum, width) => sum + width + gap, 0) - room;
  for (; over > 0; over -= 1) {
    const most = Math.max(0, ...widths.filter((_, at) => gives(at)));
    const widest = widths.findIndex((width, at) => gives(at) && width === most);
    if (widest === -1) break;
    widths[widest]! -= 1;
  }
  return widths;
}

/** A table without borders; in a terminal its columns but the last give way, elsewhere nothing is cut. */
export async function tableText(
  session: Session,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const { stdout } = session.io;
  const cells = rows.map((row) => row.map(visible));
  const natural = head.map((name, at) =>
    Math.max(name.length, ...cells.map((row) => [...(row[at] ?? '')].length)),
  );
  const room = stdout.isTTY === true ? (stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
  const table = new Table({
    chars: borderless,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': gap },
    colWidths: fitted(head, natural, room).map((width) => width + gap),
  });
  table.push(
    head.map((name) => painted(session, 'bold', name)),
    ...cells.map((row) => [...row]),
  );
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

const borderless = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid']
    .flatMap((side) => ['', '-mid', '-left', '-right'].map((end) => `${side}${end}`))
    .concat('middle')
    .map((name) => [name, '']),
);

/** A moment in UTC, to the second. */
export const utc = (timeMs: number): string =>
  `${new Date(timeMs).toISOString().slice(0, 19).replace('T', ' ')}Z`;

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** A number of documents, and how many of them no search finds though it should. */
export const documentsText = (documents: number, unindexable: number): string =>
  `${documents.toLocaleString('en')}${unindexable > 0 ? ` (${unindexable.toLocaleString('en')} unindexable)` : ''}`;
