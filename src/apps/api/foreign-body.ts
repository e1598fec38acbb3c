import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { Fault } from '../../domain/fault.ts';
import type { Api } from './request.ts';

const unzip = promisify(gunzip);

/** A scope whose bodies reach their routes as the bytes that were sent, at most `bytesMax` of them. */
export function takeBytes(scope: Api, contentTypes: readonly (string | RegExp)[], bytesMax: number): void {
  scope.removeAllContentTypeParsers();
  for (const contentType of contentTypes)
    scope.addContentTypeParser(
      contentType,
      { parseAs: 'buffer', bodyLimit: bytesMax },
      (_request, body, done) => done(null, body),
    );
}

/**
 * The body as it was before it was packed: plain, or gzip that unpacks to at most `bytesMax`; what would be more is never
 * unpacked. Rejects with BODY_TOO_LARGE or MEDIA_TYPE_UNSUPPORTED.
 */
export async function plainBody(request: FastifyRequest, bytesMax: number): Promise<Buffer> {
  const given: unknown = request.body ?? Buffer.alloc(0);
  if (!Buffer.isBuffer(given)) throw new Fault('MEDIA_TYPE_UNSUPPORTED');
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity') return given;
  if (encoding !== 'gzip') throw new Fault('MEDIA_TYPE_UNSUPPORTED', { encoding: encoding.slice(0, 64) });
  try {
    return await unzip(given, { maxOutputLength: bytesMax });
  } catch (error) {
    if (error instanceof RangeError) throw new Fault('BODY_TOO_LARGE', { bytesMax }, error);
    throw new Fault('MEDIA_TYPE_UNSUPPORTED', { encoding, reason: 'cannot be unpacked' }, error);
  }
}
