import { limits } from '../domain/event.ts';
import { asBuffer } from '../formats/avro-bytes.ts';
import { type JsonScanOptions, type JsonSpan, type JsonVerdict, scanJson } from '../formats/json-text.ts';
import { type Refusal, Refused } from './refusal.ts';

/** One event of a request: its span and the bytes that the span counts in; or why its text is refused. */
export type RequestItem = { readonly bytes: Buffer; readonly span: JsonSpan } | { readonly refusal: Refusal };

export type Request =
  | { readonly kind: 'one' | 'many'; readonly items: readonly RequestItem[] }
  | { readonly kind: 'invalid'; readonly fault: Refusal };

/** An event is one level around its value, an array of events another. */
const eventDepthMax = limits.jsonDepthMax + 1;
/** Beyond, the body is refused as a whole; up to here only the event that is too deep. */
const bodyDepthMax = 512;
const openBracket = 0x5b;
const space: ReadonlySet<number | undefined> = new Set([0x20, 0x0a, 0x0d, 0x09]);

const sentences = {
  JSON_INVALID: 'the text is not exactly one JSON value in UTF-8',
  JSON_TOO_DEEP: `nested deeper than ${limits.jsonDepthMax} levels`,
  JSON_TOO_LARGE: 'more values than one request may hold',
  DUPLICATE_KEY: 'the same key stands here a second time',
  NUMBER_LOSSY: 'the number would change its value when read as a double',
  KEY_FORBIDDEN: 'a key `__proto__` is never accepted',
} as const;

/** A verdict other than `accept` as a refusal; the pointer is within the text that was judged. */
export function refusalOf(verdict: Exclude<JsonVerdict, { verdict: 'accept' }>): Refusal {
  const { verdict: code, pointer, at } = verdict;
  return { code, pointer, detail: `${sentences[code]} (byte ${at})` };
}

const invalid = (fault: Refusal): Request => ({ kind: 'invalid', fault });

function isArray(body: Buffer): boolean {
  let at = 0;
  while (space.has(body[at])) at += 1;
  return body[at] === openBracket;
}

/** Judges an event's text alone: a fault in it does not touch the other events of its request. */
export function readItem(text: Buffer): RequestItem {
  const verdict = scanJson(text, { depthMax: eventDepthMax, spanDepth: 1, protoForbidden: true });
  return verdict.verdict === 'accept' ? { bytes: text, span: verdict.root } : { refusal: refusalOf(verdict) };
}

/**
 * Cuts a request body into events, unread: one object, or an array of at most 1,000. Invalid as a whole: over 8 MiB, not
 * JSON, deeper than 512 levels, more values than a request may have. Duplicate keys, lossy numbers, `__proto__` and
 * depths over 64 refuse their own event alone. The usual body is scanned once.
 */
export function readRequest(given: Uint8Array): Request {
  const body = asBuffer(given);
  const [bytes, bytesMax] = [body.length, limits.requestBytesMax];
  if (bytes > bytesMax) {
    const detail = `the body has ${bytes} bytes, at most ${bytesMax} are taken`;
    return invalid({ code: 'BODY_TOO_LARGE', pointer: '', detail });
  }
  const many = isArray(body);
  const spanDepth = many ? 2 : 1;
  const judged: JsonScanOptions = {
    spanDepth,
    depthMax: eventDepthMax + spanDepth - 1,
    protoForbidden: true,
  };
  const first = scanJson(body, judged);
  const verdict =
    first.verdict === 'accept' || first.verdict === 'JSON_INVALID'
      ? first
      : scanJson(body, { spanDepth, depthMax: bodyDepthMax, syntaxOnly: true });
  if (verdict.verdict !== 'accept') return invalid(refusalOf(verdict));
  const spans = many ? verdict.root.items! : [verdict.root];
  if (spans.length > limits.eventsPerRequestMax) {
    const detail = `the array has ${spans.length} events, at most ${limits.eventsPerRequestMax} are taken`;
    return invalid({ code: 'TOO_MANY_EVENTS', pointer: '', detail });
  }
  const items = spans.map((span) =>
    verdict === first ? { bytes: body, span } : readItem(body.subarray(span.start, span.end)),
  );
  return { kind: many ? 'many' : 'one', items };
}

/** Judges a value that came by another way than a request body; throws its refusal. */
export function judgeValue(value: Uint8Array): void {
  if (value.length > limits.valueBytesMax) return;
  const verdict = scanJson(value, { spanDepth: 0, protoForbidden: true });
  if (verdict.verdict === 'accept') return;
  const { code, pointer, detail } = refusalOf(verdict);
  throw new Refused(code, `/value${pointer}`, detail);
}
