/** A number as people read it. */
export const count = (number: number): string => number.toLocaleString('en');

export type Row = readonly [name: string, value: string];

export interface SignedPage {
  readonly title: string;
  /** What the report claims, in a sentence or two. */
  readonly claim: string;
  readonly rows: readonly Row[];
  /** What stands below the table, a line each. */
  readonly below?: readonly string[];
  readonly note: string;
  readonly signedBy: readonly string[];
}

/** A report for people, with the note that proves it: what stands above it says no more than the note. */
export function signedPage({ title, claim, rows, below = [], note, signedBy }: SignedPage): string {
  const signature =
    signedBy.length === 0
      ? 'Unsigned: the process that wrote it had no key (ANNAL_SIGNING_KEY_FILE).'
      : `Signed by ${signedBy.map((name) => `\`${name}\``).join(', ')}, as the note says. Check it with the open key that you keep.`;
  return [
    ...[`# ${title}`, '', claim, '', '| what | value |', '| --- | --- |'],
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    ...below,
    ...[signature, '', '```text', note.trimEnd(), '```', ''],
  ].join('\n');
}
