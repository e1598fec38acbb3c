import { randomUUID } from 'node:crypto';
import type { ChangeSource, Published } from './change.ts';
import { publishAll } from './publish-all.ts';
import type { PublishError } from './publish-error.ts';
import type { Publisher } from './publisher.ts';
import {
  type Found,
  type Intent,
  type KnownAspect,
  planSnapshot,
  type SnapshotChange,
  type SnapshotOptions,
  type SnapshotPlan,
  wholeEntity,
} from './snapshot.ts';
import type { StateFile } from './state-file.ts';

export interface SnapshotPublishing extends SnapshotOptions {
  readonly publisher: Publisher;
  readonly state: StateFile;
  readonly source: ChangeSource & { readonly runId: string };
  readonly signal?: AbortSignal;
  /** Called after each acknowledgement. */
  readonly onPublished?: (published: Published) => void;
  readonly onRefused?: (change: SnapshotChange, refused: PublishError) => void;
}

export interface SnapshotReport extends Pick<SnapshotPlan, 'unchanged' | 'held'> {
  readonly published: number;
  readonly refused: number;
}

/**
 * Publishes what differs between what was found and what is known. What is about to be sent is written down before, with its
 * id: whoever is killed meanwhile sends the same again, which has no second effect. What is refused is tried again next time.
 */
export async function publishSnapshot(found: Found, publishing: SnapshotPublishing): Promise<SnapshotReport> {
  const { publisher, state, source, signal, onPublished, onRefused } = publishing;
  const known = await state.load();
  for (const urn of found.keys()) doubt(known, urn, source.runId);
  const { changes, unchanged, held } = planSnapshot(found, known, publishing);
  if (changes.length === 0) return { published: 0, refused: 0, unchanged, held };
  const intents = changes.map((change) => intend(known, change, source.runId));
  await state.save(known);
  let [published, refused] = [0, 0];
  try {
    const outgoing = changes.map(({ urn, aspect, value }, at) => ({
      ...{ urn, aspect, id: intents[at]!.id, source: { ...source, runId: intents[at]!.runId } },
      ...(value === undefined ? { change: 'DELETE' as const } : { value }),
    }));
    let at = 0;
    for await (const outcome of publishAll(publisher, outgoing, signal)) {
      const change = changes[at++]!;
      if ('published' in outcome) {
        settle(known, change);
        published += 1;
        onPublished?.(outcome.published);
      } else {
        // For good: what it was sent as is over. What may have arrived all the same keeps its id, and goes again.
        const { remedy, code } = outcome.refused;
        if (remedy === 'refuse' && code !== 'PUBLISHER_CLOSED') forget(known, change);
        refused += 1;
        onRefused?.(change, outcome.refused);
      }
    }
  } finally {
    await state.save(known);
  }
  return { published, refused, unchanged, held };
}

type Aspects = Map<string, Map<string, KnownAspect>>;

/** What is there again while its deletion may have come through: nothing is known of any of its aspects. */
function doubt(known: Aspects, urn: string, runId: string): void {
  const aspects = known.get(urn);
  if (aspects?.delete(wholeEntity) !== true) return;
  for (const name of aspects.keys())
    aspects.set(name, { hash: null, intent: { id: randomUUID(), runId, hash: 'unknown' } });
}

/** The id under which a change goes: that of an earlier try of the same content, where there was one. */
function intend(known: Aspects, { urn, aspect, hash }: SnapshotChange, runId: string): Intent {
  const aspects = known.get(urn) ?? new Map<string, KnownAspect>();
  known.set(urn, aspects);
  const name = aspect ?? wholeEntity;
  const before = aspects.get(name) ?? { hash: null };
  const intent =
    before.intent !== undefined && before.intent.hash === hash
      ? before.intent
      : { id: randomUUID(), runId, hash };
  aspects.set(name, { hash: before.hash, intent });
  return intent;
}

function settle(known: Aspects, { urn, aspect, hash }: SnapshotChange): void {
  const aspects = known.get(urn)!;
  if (aspect === null) known.delete(urn);
  else if (hash === null) aspects.delete(aspect);
  else aspects.set(aspect, { hash });
}

function forget(known: Aspects, { urn, aspect }: SnapshotChange): void {
  const aspects = known.get(urn)!;
  const name = aspect ?? wholeEntity;
  const { hash } = aspects.get(name)!;
  if (hash === null) aspects.delete(name);
  else aspects.set(name, { hash });
  if (aspects.size === 0) known.delete(urn);
}
