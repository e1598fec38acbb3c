import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { momentOf } from './moments.ts';
import { painted, utc, visible } from './print.ts';
import type { Run, Session } from './session.ts';

interface Told {
  readonly urn: string;
  readonly type: string;
  readonly namespace: string;
  readonly position: string;
  readonly time: number;
  readonly name?: string;
  readonly aspects: Readonly<Record<string, Aspect>>;
  readonly asOf?: { readonly time: string; readonly position?: string };
  readonly cut: string | null;
}

interface Aspect {
  readonly event: {
    readonly position: string;
    readonly time: number;
    readonly change: string;
    readonly actor?: string;
    readonly recordedBy: string;
  };
  readonly value?: unknown;
}

/** One entity, now or at a moment. As JSON: the API's answer. */
export const run: Run = async (session, [urn = ''], options) => {
  const asOf = momentOf(options, 'asOf', '--as-of');
  await using connection = await connect(session);
  const { text } = await ask(connection.call, 'GET', `/v1/entities/${encodeURIComponent(urn)}`, {
    query: { 'as-of': asOf },
    signal: session.io.signal,
  });
  const told = JSON.parse(text) as Told;
  await session.write(session.output === 'table' ? page(session, told) : `${text}\n`);
  const at = told.asOf === undefined ? '' : `as it was at ${told.asOf.time} (UTC, by append time), `;
  session.note(`${at}as of ${told.cut ?? 'no cut'}`);
  return exitCodes.ok;
};

function page(session: Session, { urn, name, type, namespace, position, time, aspects }: Told): string {
  const head = [
    painted(session, 'bold', visible(urn)),
    `  ${name === undefined ? '' : `${visible(name)} · `}${visible(type)} in ${visible(namespace)} · last changed at ${position}, ${utc(time)}`,
  ];
  const body = Object.entries(aspects)
    .filter(([, { value }]) => value !== undefined)
    .flatMap(([aspect, { event, value }]) => [
      '',
      `${painted(session, 'bold', visible(aspect))}  ${event.position}  ${utc(event.time)}  ${visible(event.actor ?? event.recordedBy)}`,
      ...outline(value).map((line) => `  ${line}`),
    ]);
  return `${[...head, ...body].join('\n')}\n`;
}

/** JSON as people read it: one member a line, no quotes or braces, lists of objects as one line each where they fit. */
function outline(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [scalar(value)];
  const entries = Object.entries(value);
  if (entries.length === 0) return [Array.isArray(value) ? '(none)' : '(empty)'];
  return entries.flatMap(([key, item]) => {
    const label = Array.isArray(value) ? '-' : `${visible(key)}:`;
    if (typeof item !== 'object' || item === null) return [`${label} ${scalar(item)}`];
    const line = oneLine(item);
    if (line.length <= lineMax) return [`${label} ${line}`];
    return [label, ...outline(item).map((below) => `  ${below}`)];
  });
}

const lineMax = 96;

function oneLine(value: unknown): string {
  if (typeof value !== 'object' || value === null) return scalar(value);
  const entries = Object.entries(value);
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  return `{${entries.map(([key, item]) => `${visible(key)}: ${oneLine(item)}`).join(', ')}}`;
}

const scalar = (value: unknown): string => (typeof value === 'string' ? visible(value) : String(value));
