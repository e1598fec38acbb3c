import type { IncomingMessage } from 'node:http';

export interface Passed {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const passedOn = ['authorization', 'content-type', 'idempotency-key', 'accept'];

/** Passes a request on to `base` with this body, and answers what came back. */
export async function openLine(base: string, request: IncomingMessage, body: Buffer): Promise<Passed> {
  const headers = Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = request.headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
  const method = request.method ?? 'GET';
  const answer = await fetch(`${base}${request.url ?? '/'}`, {
    ...{ method, headers },
    ...(method === 'GET' || method === 'HEAD' ? {} : { body: new Uint8Array(body) }),
  });
  const type = answer.headers.get('content-type') ?? 'application/json';
  return { status: answer.status, headers: { 'content-type': type }, text: await answer.text() };
}
