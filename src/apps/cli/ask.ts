import { readFileSync } from 'node:fs';
import { request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { secretText } from '../../composition/secret-text.ts';
import type { HttpAccess } from '../../composition/settings.ts';

const answerBytesMax = 1024 * 1024;

function authorizationOf({ login }: HttpAccess): string | undefined {
  if (login === undefined) return undefined;
  if ('apiKey' in login) return `ApiKey ${secretText(login.apiKey)}`;
  return `Basic ${Buffer.from(`${login.username}:${secretText(login.password)}`).toString('base64')}`;
}

/** GET as the adapters would: with their login, and certificates of their authority. Answers of 1 MiB at most. */
export function ask(url: string, access: HttpAccess, waitMs: number): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const authorization = authorizationOf(access);
  const asked = (url.startsWith('https:') ? overHttps : overHttp)(
    url,
    {
      headers: authorization === undefined ? {} : { authorization },
      signal: AbortSignal.timeout(waitMs),
      ...(access.caFile === undefined ? {} : { ca: readFileSync(access.caFile) }),
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
      answer.on('end', () => {
        const headers = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
          values.map((value): [string, string] => [name, value]),
        );
        resolve(new Response(Buffer.concat(pieces), { status: answer.statusCode ?? 0, headers }));
      });
    },
  );
  asked.on('error', reject);
  asked.end();
  return promise;
}
