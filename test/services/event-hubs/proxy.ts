import { once } from 'node:events';
import net from 'node:net';
import {
  type Address,
  asksNothing,
  committed,
  coordinatorAnswer,
  forbiddenTopics,
  metadataAnswer,
  namesNoTopic,
  olderVersions,
  throttledFetch,
  throttledProduce,
  untoldSettings,
  versionsAnswer,
} from './answers.ts';
import type { Manners } from './manners.ts';
import { api, framed, frames, int32, type Request, readRequest } from './wire.ts';

/** A request that came, and what became of it. */
export interface Seen {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Length without its prefix. */
  readonly bytes: number;
  readonly at: number;
  /** Which connection it came on, by number. */
  readonly connection: number;
  readonly fate: 'sent on' | 'answered here' | 'closed' | 'forgotten' | 'swallowed';
}

/** A way to a real broker of Apache Kafka that behaves as Event Hubs does. On 127.0.0.1. */
export interface EventHubsProxy extends AsyncDisposable {
  readonly address: string;
  manners: Manners;
  /** Requests for which this holds go nowhere, and their connection stays open: a broker that hangs. */
  swallows: (request: Request, connection: number) => boolean;
  /** All requests so far, oldest first. */
  readonly seen: readonly Seen[];
  /** Connections that idleness ended so far. */
  readonly idled: number;
}

/** An answer that is due to the client, in the order of its requests. */
interface Due {
  readonly request: Request;
  /** Not to be given before that. */
  readonly notBefore: number;
  answer: Buffer | undefined;
}

export async function eventHubsProxy(broker: string, manners: Readonly<Manners>): Promise<EventHubsProxy> {
  const colon = broker.lastIndexOf(':');
  const far: Address = { host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) };
  const sockets = new Set<net.Socket>();
  const seen: Seen[] = [];
  const commits = new Map<string, number>();
  let connections = 0;
  let idled = 0;
  const server = net.createServer((near) => {
    sockets.add(near);
    near.once('close', () => sockets.delete(near));
    connections += 1;
    const connection = connections;
    connect({
      ...{ near, far, proxy, commits },
      see: ({ apiKey, apiVersion, frame }, fate) =>
        seen.push({ apiKey, apiVersion, bytes: frame.length, at: performance.now(), connection, fate }),
      swallows: (request) => proxy.swallows(request, connection),
      onIdle: () => {
        idled += 1;
      },
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const proxy: EventHubsProxy = {
    address: `127.0.0.1:${port}`,
    manners: { ...manners },
    swallows: () => false,
    seen,
    get idled() {
      return idled;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return proxy;
}

interface Connection {
  readonly near: net.Socket;
  readonly far: Address;
  readonly proxy: EventHubsProxy;
  /** When the last commit of a group and partition is answered. */
  readonly commits: Map<string, number>;
  readonly see: (request: Request, fate: Seen['fate']) => void;
  readonly swallows: (request: Request) => boolean;
  readonly onIdle: () => void;
}

function connect({ near, far, proxy, commits, see, swallows, onIdle }: Connection): void {
  const broker = net.connect(far.port, far.host);
  const due: Due[] = [];
  let idle: NodeJS.Timeout | undefined;
  let later: NodeJS.Timeout | undefined;
  let forgotten = false;

  const end = (): void => {
    clearTimeout(idle);
    clearTimeout(later);
    near.destroy();
    broker.destroy();
  };
  for (const socket of [near, broker]) {
    socket.on('close', end);
    socket.on('error', end);
    socket.setNoDelay(true);
  }

  const watchIdleness = (): void => {
    clearTimeout(idle);
    const { idle: manner } = proxy.manners;
    if (manner === null || due.length > 0) return;
    idle = setTimeout(() => {
      onIdle();
      if (manner.fate === 'closed') end();
      else forgotten = true;
    }, manner.afterMs);
  };

  /** Gives what is there of the answers, in their order. */
  const give = (): void => {
    clearTimeout(later);
    for (let first = due[0]; first?.answer !== undefined; first = due[0]) {
      const waitMs = first.notBefore - performance.now();
      if (waitMs > 0) {
        later = setTimeout(give, waitMs);
        return;
      }
      due.shift();
      near.write(framed(int32(first.request.correlation), first.answer));
    }
    watchIdleness();
  };

  const take = (request: Request): void => {
    const { manners } = proxy;
    if (forgotten) {
      see(request, 'forgotten');
      return;
    }
    clearTimeout(idle);
    if (isUnheardOf(request, manners)) {
      see(request, 'closed');
      end();
      return;
    }
    if (swallows(request)) {
      // Nothing after it is answered either: answers keep the order of their requests.
      due.push({ request, notBefore: 0, answer: undefined });
      see(request, 'swallowed');
      return;
    }
    const answer = answeredHere(request, manners);
    see(request, answer === undefined ? 'sent on' : 'answered here');
    if (answer === undefined) broker.write(framed(request.frame));
    if (request.apiKey === api.produce && asksNothing(request)) return;
    due.push({ request, notBefore: answerableAt(request, manners, commits), answer });
    if (answer !== undefined) give();
  };

  near.on(
    'data',
    frames((frame) => take(readRequest(frame))),
  );
  broker.on(
    'data',
    frames((frame) => {
      const correlation = frame.readInt32BE(0);
      const entry = due.find((one) => one.answer === undefined && one.request.correlation === correlation);
      if (entry === undefined) return end();
      const own: Address = { host: '127.0.0.1', port: Number(proxy.address.split(':')[1]) };
      entry.answer = inManner(entry.request, frame.subarray(4), proxy.manners, own);
      give();
    }),
  );
  watchIdleness();
}

/** Whether it would close the connection. */
function isUnheardOf(request: Request, { requestBytesMax, emptyMetadata, versions }: Manners): boolean {
  const { apiKey, apiVersion, frame } = request;
  if (requestBytesMax !== null && frame.length > requestBytesMax) return true;
  if (versions !== null && !asksOlder(request)) {
    const spoken = versions.get(apiKey);
    if (spoken === undefined || apiVersion < spoken[0] || apiVersion > spoken[1]) return true;
  }
  return apiKey === api.metadata && emptyMetadata === 'closed' && namesNoTopic(request);
}

/** A client of today asks in version 3 first, and in an older one when told to. */
const asksOlder = ({ apiKey, apiVersion }: Request): boolean =>
  apiKey === api.apiVersions && apiVersion === 3;

function answeredHere(request: Request, manners: Manners): Buffer | undefined {
  const { apiKey } = request;
  if (manners.versions !== null && asksOlder(request)) return olderVersions(manners.versions);
  if (apiKey === api.produce && manners.appends === 'throttled') return throttledProduce(request);
  if (apiKey === api.createTopics && manners.topicCreation === 'forbidden') return forbiddenTopics(request);
  if (apiKey === api.describeConfigs && manners.topicSettings === 'untold') return untoldSettings(request);
  return undefined;
}

function answerableAt(
  request: Request,
  { commitsPerSecondMax }: Manners,
  commits: Map<string, number>,
): number {
  if (request.apiKey !== api.offsetCommit || commitsPerSecondMax === null) return 0;
  const places = committed(request);
  const now = performance.now();
  const at = Math.max(now, ...places.map((place) => (commits.get(place) ?? 0) + 1_000 / commitsPerSecondMax));
  for (const place of places) commits.set(place, at);
  return at;
}

function inManner(request: Request, answer: Buffer, manners: Manners, own: Address): Buffer {
  const { apiKey, apiVersion } = request;
  if (apiKey === api.apiVersions && manners.versions !== null)
    return versionsAnswer(answer, manners.versions);
  if (apiKey === api.metadata && manners.oneAddress) return metadataAnswer(answer, apiVersion, own);
  if (apiKey === api.findCoordinator && manners.oneAddress) return coordinatorAnswer(answer, apiVersion, own);
  if (apiKey === api.fetch && manners.fetches === 'throttled') return throttledFetch(answer, apiVersion);
  return answer;
}
