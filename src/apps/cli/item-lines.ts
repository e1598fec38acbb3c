import { scanJson } from '../../formats/json-text.ts';

/** Items of an answer as they stand in its text, each on a line of its own. */
export function* itemLines(answer: string, member = 'items'): Generator<string> {
  const bytes = Buffer.from(answer);
  const scanned = scanJson(bytes, { spanDepth: 2, depthMax: 512, spansMax: 1_000_000, syntaxOnly: true });
  if (scanned.verdict !== 'accept') throw new Error(`the answer is not JSON: ${scanned.verdict}`);
  const { root } = scanned;
  const items = root.items ?? root.members?.find(({ key }) => key === member)?.value.items ?? [];
  for (const { start, end } of items) yield `${bytes.toString('utf8', start, end).replaceAll('\n', ' ')}\n`;
}
