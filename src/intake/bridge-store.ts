import { hash } from 'node:crypto';
import type { LogRecord } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';
import { checkBlobName, type ETag, type StateStore } from '../ports/archive.ts';
import type { Refusal } from './refusal.ts';
import type { ForeignPlace } from './translate/translation.ts';

/** What a bridge is, in blob names and in ids. */
export interface BridgeName {
  readonly dialect: string;
  /** Configured; changed when the topic is made again. */
  readonly source: string;
  readonly topic: string;
}

/** Everything before `next` is in the log or kept as refused. */
export interface BridgeProgress {
  readonly next: number;
  /** Null: nothing was saved yet. */
  readonly etag: ETag | null;
}

/** One event of a foreign record that was refused; `index` among the record's events. */
export interface RefusedEvent {
  readonly index: number;
  readonly refusal: Refusal;
  readonly urn: string | null;
  /** As the record names it; the URN may name another. */
  readonly entityType: string | null;
  readonly aspect: string | null;
}

/** Keeps the progress of a bridge and what it refused, in the state container. */
export interface BridgeStore {
  /** Rejects with BRIDGE_PROGRESS_INVALID where what is saved is of another topic. */
  load(partition: number): Promise<BridgeProgress>;
  /** `changed`: another process saved meanwhile, nothing happened. */
  save(partition: number, next: number, before: ETag | null): Promise<ETag | 'changed'>;
  /**
   * Keeps a refused record, once, under `refused/<dialect>/<source>/<partition>/<offset>.json`. `personal`: nothing but where it
   * stood, codes and the SHA-256 of its value.
   */
  refuse(
    place: ForeignPlace,
    record: LogRecord,
    events: readonly RefusedEvent[],
    personal: boolean,
  ): Promise<void>;
  /** Notes that the topic forgot offsets [from, until) before they were read. */
  lost(partition: number, from: number, until: number): Promise<void>;
}

const json = (content: unknown): Buffer => Buffer.from(`${JSON.stringify(content)}\n`);

const base64 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** Throws a RangeError where `source` or `dialect` cannot stand in a blob's name. */
export function bridgeStore(state: StateStore, { dialect, source, topic }: BridgeName): BridgeStore {
  const progressName = (partition: number): string => `bridges/${source}/${partition}.json`;
  const refusedName = (partition: number, offset: number): string =>
    `refused/${dialect}/${source}/${partition}/${offset}.json`;
  checkBlobName(progressName(0));
  checkBlobName(refusedName(0, 0));

  function read(bytes: Buffer, name: string): number {
    let found: unknown;
    try {
      found = JSON.parse(bytes.toString('utf8'));
    } catch (error) {
      throw new Fault('BRIDGE_PROGRESS_INVALID', { blob: name, reason: 'not JSON' }, error);
    }
    const { topic: saved, next } = (found ?? {}) as { topic?: unknown; next?: unknown };
    if (saved !== topic || typeof next !== 'number' || !Number.isSafeInteger(next) || next < 0)
      throw new Fault('BRIDGE_PROGRESS_INVALID', { blob: name, topic, saved });
    return next;
  }

  /** Create-only: what was kept first stays, for the same record is read again after a crash. */
  async function keep(name: string, content: object): Promise<void> {
    await state.write(name, json(content), null);
  }

  return {
    async load(partition) {
      const name = progressName(partition);
      const saved = await state.read(name);
      return saved === undefined
        ? { next: 0, etag: null }
        : { next: read(saved.bytes, name), etag: saved.etag };
    },
    save: (partition, next, before) =>
      state.write(progressName(partition), json({ v: 1, dialect, source, topic, partition, next }), before),
    async refuse({ partition, offset }, { key, value, appendTime }, events, personal) {
      const sha256 = value === null ? null : hash('sha256', value, 'hex');
      const where = { v: 1, dialect, source, topic, partition, offset };
      const refusals = events.map(({ index, refusal, urn, aspect }) =>
        personal ? { index, code: refusal.code } : { index, ...refusal, urn, aspect },
      );
      const content = personal
        ? { ...where, refusals, sha256 }
        : { ...where, appendTime, refusals, sha256, key: base64(key), value: base64(value) };
      await keep(refusedName(partition, offset), content);
    },
    async lost(partition, from, until) {
      const refusals = [
        { code: 'LOG_TRIMMED', detail: 'the topic forgot these offsets before they were read' },
      ];
      await keep(refusedName(partition, from), {
        v: 1,
        dialect,
        source,
        topic,
        partition,
        offset: from,
        until,
        refusals,
      });
    },
  };
}
