import { urnOf } from './events.ts';

/** All of one length, so that none is the beginning of another. */
export const nameOf = (n: number): string => `t${100_000 + n}`;

/** Sends the n-th search and gives what its answer lacks, if anything: it asks for one of the tables that were there before. */
export async function searchForTable(
  { address, tables }: { readonly address: string; readonly tables: number },
  nth: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const name = nameOf((nth * 7_919) % tables);
  const answer = await fetch(`${address}/v1/search?q=shop.${name}`, { signal });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${answer.status} ${text}`);
  const { items } = JSON.parse(text) as { items: readonly { urn: string }[] };
  return items.some(({ urn }) => urn === urnOf(name)) ? undefined : `${name}: ${text.slice(0, 200)}`;
}
