import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { itemLines } from './item-lines.ts';
import { momentOf } from './moments.ts';
import { counted, tableText } from './print.ts';
import { isSet, type Run, type Session, textOf } from './session.ts';

interface Told {
  readonly urn: string;
  readonly direction: 'up' | 'down' | 'both';
  readonly depth: number;
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
  readonly truncated: boolean;
  readonly leftOut: Readonly<Record<'nodes' | 'edges' | 'columns', number>>;
  readonly asOf?: { readonly time: string };
  readonly cut: string | null;
}

interface Node {
  readonly urn: string;
  readonly name: string;
  readonly is: string;
  readonly up?: number;
  readonly down?: number;
}

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly aspect: string;
  readonly columns?: readonly {
    readonly from: readonly string[];
    readonly to: readonly string[];
    readonly operation?: string;
  }[];
}

/** What an entity or a column is made from, and what is made from it. As JSON: the API's answer. */
export const run: Run = async (session, [urn = ''], options) => {
  const asOf = momentOf(options, 'asOf', '--as-of');
  const columns = isSet(options, 'columns');
  await using connection = await connect(session);
  const { text } = await ask(connection.call, 'GET', `/v1/entities/${encodeURIComponent(urn)}/lineage`, {
    query: {
      direction: textOf(options, 'direction'),
      depth: textOf(options, 'depth'),
      columns: columns ? 'true' : undefined,
      limit: textOf(options, 'limit'),
      'as-of': asOf,
    },
    signal: session.io.signal,
  });
  const told = JSON.parse(text) as Told;
  if (session.output === 'json') await session.write(`${text}\n`);
  else if (session.output === 'ndjson') {
    for (const member of ['nodes', 'edges'])
      for (const line of itemLines(text, member)) await session.write(line);
  } else await session.write(await page(session, told));
  notes(session, told);
  return exitCodes.ok;
};

function notes(session: Session, { nodes, direction, depth, truncated, leftOut, asOf, cut }: Told): void {
  const reached = (way: 'up' | 'down'): number => nodes.filter((node) => (node[way] ?? 0) > 0).length;
  const ways = [
    ...(direction === 'down' ? [] : [`made from ${reached('up')}`]),
    ...(direction === 'up' ? [] : [`${reached('down')} made from it`]),
  ];
  const at = asOf === undefined ? '' : `as it was at ${asOf.time} (UTC, by append time), `;
  session.note(`${ways.join(', ')} within ${counted(depth, 'step')}, ${at}as of ${cut ?? 'no cut'}`);
  if (!truncated) return;
  const parts = [
    counted(leftOut.nodes, 'node'),
    counted(leftOut.edges, 'edge'),
    ...(leftOut.columns > 0 ? [counted(leftOut.columns, 'relation of columns', 'relations of columns')] : []),
  ];
  session.note(`left out, for there is no room: ${parts.join(', ')}, and what lies behind them; see --limit`);
}

async function page(session: Session, told: Told): Promise<string> {
  const { nodes, edges } = told;
  const names = new Map(nodes.map(({ urn, name }) => [urn, name]));
  const rows = (['up', 'down'] as const).flatMap((way) => {
    const beside = nextTo(way, told);
    return nodes
      .filter((node) => (node[way] ?? 0) > 0)
      .map((node) => [way, `${node[way]}`, node.is, node.name, beside(node.urn), node.urn]);
  });
  const tables = [
    ...(rows.length === 0
      ? []
      : [await tableText(session, ['WAY', 'STEPS', 'IS', 'NAME', 'NEXT TO', 'URN'], rows)]),
  ];
  const columns = edges.flatMap((edge) =>
    (edge.columns ?? []).map(({ from, to, operation }) => [
      from.map(pathOf).join(', '),
      to.map(pathOf).join(', '),
      operation ?? '',
      `${names.get(edge.from)} → ${names.get(edge.to)}`,
    ]),
  );
  if (columns.length > 0)
    tables.push(await tableText(session, ['COLUMNS', 'MAKE', 'BY', 'FROM WHAT TO WHAT'], columns));
  return tables.join('\n');
}

const shownMax = 3;

/** Of each node, the names of those through which it was reached: one step nearer. */
function nextTo(way: 'up' | 'down', { nodes, edges }: Told): (urn: string) => string {
  const known = new Map(nodes.map((node) => [node.urn, node]));
  const found = new Map<string, Set<string>>();
  for (const edge of edges) {
    const [far, near] = way === 'up' ? [edge.from, edge.to] : [edge.to, edge.from];
    const nearer = known.get(near);
    if (nearer?.[way] === undefined || known.get(far)?.[way] !== nearer[way] + 1) continue;
    const names = found.get(far) ?? new Set();
    found.set(far, names.add(nearer.name));
  }
  return (urn) => {
    const names = [...(found.get(urn) ?? [])];
    const more = names.length > shownMax ? ` and ${names.length - shownMax} more` : '';
    return `${names.slice(0, shownMax).join(', ')}${more}`;
  };
}

/** The path of a column, whose table the last cell names; a whole table by its URN. */
const pathOf = (urn: string): string => /^urn:li:schemaField:\(urn:.*\),(.*)\)$/u.exec(urn)?.[1] ?? urn;
