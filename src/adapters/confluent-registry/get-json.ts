import { request as overHttp } from 'node:http';
import { Agent, request as overHttps } from 'node:https';
import type { ConfluentSettings } from './schema-registry.ts';

const answerBytesMax = 4 * 1024 * 1024;

/**
 * The JSON behind a URL, for calls that the client library has not. Rejects with an Error that has `status` for any answer
 * but 200; answers of 4 MiB at most.
 */
export async function getJson(
  url: string,
  { auth, ca }: Pick<ConfluentSettings, 'auth' | 'ca'>,
  timeoutMs: number,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: Buffer }>();
  const login = auth && Buffer.from(`${auth.username}:${auth.password}`).toString('base64');
  const asked = (url.startsWith('https:') ? overHttps : overHttp)(
    url,
    {
      headers: {
        accept: 'application/vnd.schemaregistry.v1+json, application/json',
        ...(login === undefined ? {} : { authorization: `Basic ${login}` }),
      },
      signal: AbortSignal.timeout(timeoutMs),
      ...(ca === undefined ? {} : { agent: new Agent({ ca }) }),
    },
    (answer) => {
      const pieces: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > answerBytesMax)
          answer.destroy(new Error(`an answer of more than ${answerBytesMax} bytes`));
        else pieces.push(piece);
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(pieces) }));
    },
  );
  asked.on('error', reject);
  asked.end();
  const { status, body } = await promise;
  if (status !== 200)
    throw Object.assign(new Error(`${status} ${body.toString('utf8', 0, 200)}`), { status });
  return JSON.parse(body.toString('utf8'));
}
