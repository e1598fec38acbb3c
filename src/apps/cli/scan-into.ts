import { v7 as uuidV7 } from 'uuid';
import { folderReaders, tableReaders } from '../../adapters/scan/registry.ts';
import { isBefore, parseCut } from '../../domain/cut.ts';
import { parsePosition } from '../../domain/position.ts';
import { scanFolder } from '../../intake/scan.ts';
import { gatherScan, type ScanFound } from '../../intake/scan-found.ts';
import { knownEntity } from '../../intake/scan-known.ts';
import { scanSourceId } from '../../intake/scan-names.ts';
import { type KnownEntity, planScan, type ScanChange, type ScanPlan } from '../../intake/scan-plan.ts';
import type { FileTree } from '../../ports/file-tree.ts';
import { version } from '../version.ts';
import { ask, askJson, type Call, problemIn } from './call.ts';
import { Failure } from './failure.ts';
import type { Outgoing } from './send-events.ts';

export interface ScanOrder {
  /** As it was given: names the source. */
  readonly dir: string;
  readonly tree: () => Promise<FileTree>;
  /** Default: the folder's name. */
  readonly source?: string | undefined;
  readonly allowDeletions?: boolean;
  readonly signal: AbortSignal;
}

export interface Scanned {
  readonly source: string;
  readonly found: ScanFound;
  readonly plan: ScanPlan;
}

const searchPage = 200;
const readsAtOnce = 8;

/** What is in a folder, against what is known of it: nothing is published. Rejects with `FILE_UNREADABLE`. */
export async function scanAndPlan(call: Call, order: ScanOrder): Promise<Scanned> {
  const source = scanSourceId(order.dir, order.source);
  const options = { source, readers: tableReaders, folderReaders, seenAtMs: Date.now() };
  const found = await gatherScan(scanFolder(await order.tree(), options));
  const urns = new Set([
    ...(await ownedBy(call, source, order.signal)),
    ...[...found.states, ...found.entities].map(({ urn }) => urn),
  ]);
  const known = await knownOf(call, [...urns], order.signal);
  const plan = planScan(found, known, {
    source,
    version: version(),
    runId: uuidV7(),
    ...(order.allowDeletions === undefined ? {} : { allowDeletions: order.allowDeletions }),
  });
  return { source, found, plan };
}

async function ownedBy(call: Call, source: string, signal: AbortSignal): Promise<string[]> {
  const urns: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await askJson<{ items: readonly { urn: string }[]; next?: string }>(
      call,
      'GET',
      '/v1/search',
      {
        query: { source: `scan:${source}`, limit: searchPage, cursor },
        signal,
      },
    );
    urns.push(...page.items.map(({ urn }) => urn));
    cursor = page.next;
  } while (cursor !== undefined);
  return urns;
}

/** Entities that are there, a few requests at a time. */
async function knownOf(
  call: Call,
  urns: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KnownEntity>> {
  const known = new Map<string, KnownEntity>();
  const left = urns.values();
  const worker = async (): Promise<void> => {
    for (const urn of left) {
      const answer = await call('GET', `/v1/entities/${encodeURIComponent(urn)}`, { signal });
      if (answer.status === 404) continue;
      if (answer.status >= 400) throw new Failure(problemIn(answer));
      const entity = knownEntity(Buffer.from(answer.text));
      if (entity !== undefined) known.set(urn, entity);
    }
  };
  await Promise.all(Array.from({ length: readsAtOnce }, worker));
  return known;
}

/** A plan's changes as events to send. */
export function* changesToSend(changes: readonly ScanChange[]): Generator<Outgoing> {
  for (const change of changes)
    yield {
      at: change.aspect === null ? change.urn : `${change.urn} ${change.aspect}`,
      bytes: Buffer.from(JSON.stringify(change)),
    };
}

const settleMaxMs = 30_000;
const settleLookMs = 100;

/** Whether `entities` shows all of `positions`, waiting for it up to 30 s: the next scan compares with what shows. */
export async function shows(call: Call, positions: readonly string[], signal: AbortSignal): Promise<boolean> {
  const wanted = positions.flatMap((text) => parsePosition(text) ?? []);
  const deadline = Date.now() + settleMaxMs;
  for (;;) {
    const { headers } = await ask(call, 'GET', '/v1/search', { query: { limit: 1 }, signal });
    const cut = parseCut(headers['annal-cut'] ?? '');
    if (cut !== undefined && wanted.every((position) => isBefore(position, cut))) return true;
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, settleLookMs));
  }
}
