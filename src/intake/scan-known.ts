import { scanJson } from '../formats/json-text.ts';
import type { KnownEntity } from './scan-plan.ts';

interface HeadEvent {
  readonly time: number;
  readonly change: string;
  readonly source?: { readonly plugin: string; readonly foreign: Readonly<Record<string, string>> };
}

/**
 * An entity as a document of `entities` holds it, values as they stand there; the source is that of the last change a scan
 * made. Undefined for one that was deleted.
 */
export function knownEntity(bytes: Buffer): KnownEntity | undefined {
  const scanned = scanJson(bytes, { spanDepth: 3, depthMax: 512, spansMax: 1_000_000, syntaxOnly: true });
  if (scanned.verdict !== 'accept') throw new Error(`the entity is not JSON: ${scanned.verdict}`);
  const members = scanned.root.members ?? [];
  const deleted = members.find(({ key }) => key === 'deleted')?.value;
  if (deleted !== undefined && bytes.toString('utf8', deleted.start, deleted.end) === 'true')
    return undefined;
  const heads = members.find(({ key }) => key === 'aspects')?.value.members ?? [];
  const aspects = new Map<string, string>();
  let last: HeadEvent | undefined;
  for (const { key: aspect, value: head } of heads) {
    const textOf = (name: string): string | undefined => {
      const span = head.members?.find(({ key }) => key === name)?.value;
      return span === undefined ? undefined : bytes.toString('utf8', span.start, span.end);
    };
    const value = textOf('value');
    if (value !== undefined) aspects.set(aspect, value);
    const event = JSON.parse(textOf('event') ?? '{}') as HeadEvent;
    const byScan = event.source?.plugin === 'scan' && event.change !== 'DELETE';
    if (byScan && (last === undefined || event.time >= last.time)) last = event;
  }
  return { root: last?.source?.foreign.root, aspects };
}
