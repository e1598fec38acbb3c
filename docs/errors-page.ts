import { faults, type Remedy } from '../src/domain/fault.ts';

const remedies: Readonly<Record<Remedy, string>> = {
  refuse: "the caller's input is at fault: nothing happened, and the same again will be refused again",
  quarantine: 'archived bytes are at fault: they stay in the archive and are set apart with their outcome',
  retry: 'the world is busy or away: the same again may succeed; Annal itself tries again where it can',
  halt: 'going on would lose or damage something: the lane or process stops until somebody has looked',
};

/** The text of docs/errors.md: every code of the table, in its order. */
export function errorsPage(): string {
  const kinds = Object.entries(remedies).map(([remedy, about]) => `| \`${remedy}\` | ${about} |`);
  const codes = Object.entries(faults).map(
    ([code, { remedy, about, doThis }]) => `### ${code}\n\n\`${remedy}\`: ${about}.\n\n${doThis}\n`,
  );
  return `# Errors

Every failure that Annal tells has a stable code. The command line prints it first, as in
\`annal: CODE: what happened (where)\`, the HTTP API sends it as \`code\` of a problem (RFC 9457), a log line
has it as \`code\`. A code never changes its meaning. This page is made from the table in
\`src/domain/fault.ts\` by \`node docs/make-errors.ts\`; a test holds the two equal.

What kind of failure it is:

| kind | means |
| --- | --- |
${kinds.join('\n')}

What the command line ends with stands in [operations/exit-codes.md](operations/exit-codes.md).

## Codes

${codes.join('\n')}`;
}
