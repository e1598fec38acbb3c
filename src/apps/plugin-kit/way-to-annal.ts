import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openLine } from './open-line.ts';

/** What becomes of a request that publishes. `lost`: it arrives, its answer does not. `partly`: its first event is put off. */
export type Fate = 'passed' | 'lost' | 'busy' | 'away' | 'partly';

export interface SentEvent {
  readonly id: string;
  readonly urn: string;
  readonly aspect: string | null;
  readonly change: string;
  /** JSON text of the value. */
  readonly content: string;
  /** The plugin was told that it is in the log, or refused for good. */
  readonly settled: boolean;
  readonly appended: boolean;
}

/** One request that published, as it came. */
export interface Sending {
  readonly atMs: number;
  readonly fate: Fate;
  readonly events: readonly SentEvent[];
}

/** The way from a plugin to an Annal, with everything on it that ways do. On 127.0.0.1. */
export interface WayToAnnal extends AsyncDisposable {
  readonly url: string;
  readonly sendings: readonly Sending[];
  /** Codes of what was refused for good. */
  readonly refusals: ReadonlySet<string>;
  /** What becomes of the next requests, in order; then all pass. */
  plan(...fates: readonly Fate[]): void;
  /** Forgets what came so far. */
  forget(): void;
}

const bodyBytesMax = 16 * 1024 * 1024;
/** What a plugin is asked to wait when the log is busy. */
export const askedSeconds = 1;

export async function wayToAnnal(annal: string): Promise<WayToAnnal> {
  let sendings: Sending[] = [];
  let fates: Fate[] = [];
  const refusals = new Set<string>();

  async function publish(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const { events, isOne } = eventsIn(body);
    let fate = fates.shift() ?? 'passed';
    if (fate === 'partly' && (isOne || events.length < 2)) fate = 'busy';
    const atMs = performance.now();
    const note = (results: readonly Result[]): void => {
      for (const { code = '', settled, appended } of results) if (settled && !appended) refusals.add(code);
      sendings.push({
        ...{ atMs, fate },
        events: events.map((event, at) =>
          sentEvent(event, fate === 'lost' ? nothing : (results[at] ?? nothing)),
        ),
      });
    };
    if (fate === 'away' || fate === 'busy') {
      note([]);
      if (fate === 'away') request.socket.destroy();
      else sendBusy(response);
      return;
    }
    const passed = fate === 'partly' ? events.slice(1) : events;
    const text = fate === 'partly' ? Buffer.from(JSON.stringify(passed)) : body;
    const answer = await openLine(annal, request, text);
    const results = resultsOf(answer, passed.length, isOne);
    note(fate === 'partly' ? [nothing, ...results] : results);
    if (fate === 'lost') request.socket.destroy();
    else if (fate === 'partly') sendPartly(response, answer.text);
    else response.writeHead(answer.status, answer.headers).end(answer.text);
  }

  const server = createServer((request, response) => {
    const failed = (error: unknown): void => {
      response.destroy(error instanceof Error ? error : undefined);
    };
    bodyOf(request)
      .then(async (body) => {
        if (request.method === 'POST' && request.url === '/v1/events')
          return publish(request, response, body);
        const answer = await openLine(annal, request, body);
        response.writeHead(answer.status, answer.headers).end(answer.text);
      })
      .catch(failed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get sendings() {
      return sendings;
    },
    refusals,
    plan(...next) {
      fates = [...next];
    },
    forget() {
      sendings = [];
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new RangeError('a body larger than any Annal takes');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

type Given = Readonly<Record<string, unknown>>;

function eventsIn(body: Buffer): { readonly events: readonly Given[]; readonly isOne: boolean } {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { events: [], isOne: true };
  }
  return Array.isArray(json) ? { events: json, isOne: false } : { events: [json as Given], isOne: true };
}

interface Result {
  readonly settled: boolean;
  readonly appended: boolean;
  readonly code?: string;
}
const nothing: Result = { settled: false, appended: false };

const sentEvent = (event: Given, { settled, appended }: Result): SentEvent => ({
  id: typeof event.id === 'string' ? event.id : '',
  urn: String(event.urn),
  aspect: typeof event.aspect === 'string' ? event.aspect : null,
  change: typeof event.change === 'string' ? event.change : 'UPSERT',
  content: JSON.stringify(event.value) ?? '',
  settled,
  appended,
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

function resultsOf({ status, text }: Answer, count: number, isOne: boolean): readonly Result[] {
  const json = JSON.parse(text) as { results?: readonly { status: string; code?: string }[]; code?: string };
  if (status === 200 && json.results !== undefined)
    return json.results.map(({ status: told, code }) => ({
      ...{ settled: told !== 'unknown', appended: told === 'appended' },
      ...(code === undefined ? {} : { code }),
    }));
  const one = { settled: status < 500 && status !== 429, appended: isOne && status === 201 };
  return Array.from({ length: count }, () => ({
    ...one,
    ...(json.code === undefined ? {} : { code: json.code }),
  }));
}

const busy = {
  status: 'refused',
  code: 'LOG_BUSY',
  pointer: '',
  detail: 'the log is busy, as this test wants it',
};

const sendBusy = (response: ServerResponse): void =>
  void response
    .writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': String(askedSeconds) })
    .end(JSON.stringify({ ...busy, status: 503 }));

function sendPartly(response: ServerResponse, text: string): void {
  const answer = JSON.parse(text) as { results: readonly unknown[] };
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ ...answer, results: [busy, ...answer.results] }));
}
