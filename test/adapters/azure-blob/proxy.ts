import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

export interface Seen {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

/** What a service answers to what it does not do. */
export interface Refusal {
  readonly status: number;
  /** The service's word for it. */
  readonly code: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LossyProxy extends AsyncDisposable {
  readonly port: number;
  readonly seen: Seen[];
  /**
   * The answers to the next `times` requests that fit are lost on the way: the server has done what was
   * asked.
   */
  losing(fits: (seen: Seen) => boolean, times?: number): void;
  /** The next `times` requests that fit are answered so, and not passed on. */
  answering(fits: (seen: Seen) => boolean, refusal: Refusal, times?: number): void;
  /** Runs before a fitting request is passed on, once. */
  before(fits: (seen: Seen) => boolean, work: () => Promise<void>): void;
}

/**
 * A way to a server on the loopback address that can lose answers. `patient`: it never ends a connection, and does not tell
 * that the server would; what a process sends that slept for long arrives.
 */
export async function startProxy(target: number, { patient = false } = {}): Promise<LossyProxy> {
  const seen: Seen[] = [];
  let lost: (seen: Seen) => boolean = () => false;
  let losses = 0;
  let refused: { fits: (seen: Seen) => boolean; refusal: Refusal; times: number } | undefined;
  let interrupt: { fits: (seen: Seen) => boolean; work: () => Promise<void> } | undefined;

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = incoming;
    const one: Seen = { method, url, headers };
    seen.push(one);
    if (interrupt?.fits(one)) {
      const { work } = interrupt;
      interrupt = undefined;
      await work();
    }
    if (refused !== undefined && refused.times > 0 && refused.fits(one)) {
      refused.times -= 1;
      const { status, code, headers: told } = refused.refusal;
      incoming.resume();
      const head = { 'content-type': 'application/xml', 'x-ms-error-code': code, ...told };
      outgoing.writeHead(status, head).end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
      return;
    }
    const onward = request({ host: '127.0.0.1', port: target, method, path: url, headers });
    incoming.pipe(onward);
    const [answer] = (await once(onward, 'response')) as [IncomingMessage];
    if (losses > 0 && lost(one)) {
      losses -= 1;
      answer.resume();
      await once(answer, 'end');
      outgoing.destroy();
      return;
    }
    const { connection: _, 'keep-alive': __, ...lasting } = answer.headers;
    outgoing.writeHead(answer.statusCode ?? 500, patient ? lasting : answer.rawHeaders);
    answer.pipe(outgoing);
  }

  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch((error: unknown) =>
      outgoing.destroy(error instanceof Error ? error : undefined),
    );
  }).listen(0, '127.0.0.1');
  if (patient) server.keepAliveTimeout = 0;
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    seen,
    losing(fits, times = 1) {
      lost = fits;
      losses = times;
    },
    answering(fits, refusal, times = 1) {
      refused = { fits, refusal, times };
    },
    before(fits, work) {
      interrupt = { fits, work };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
