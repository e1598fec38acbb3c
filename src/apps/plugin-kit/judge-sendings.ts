import type { Sending, SentEvent } from './way-to-annal.ts';

const keyOf = ({ urn, aspect }: SentEvent): string => `${urn}\n${aspect ?? ''}`;
const named = ({ urn, aspect }: SentEvent): string => (aspect === null ? urn : `${aspect} of ${urn}`);

/**
 * What was overtaken: a change of one aspect of one entity that came while an earlier one was not settled and did not come
 * again before it. Undefined: order was kept. Of one run of a plugin.
 */
export function overtaken(sendings: readonly Sending[]): string | undefined {
  const open = new Map<string, readonly SentEvent[]>();
  for (const { events } of sendings) {
    const byKey = new Map<string, SentEvent[]>();
    for (const event of events) byKey.set(keyOf(event), [...(byKey.get(keyOf(event)) ?? []), event]);
    for (const [key, came] of byKey) {
      const waiting = open.get(key) ?? [];
      const again = came.slice(0, waiting.length);
      if (!again.every(({ id }, at) => id === waiting[at]!.id))
        return `${named(came[0]!)}: a later change came before the earlier one was taken`;
      const all = [...came, ...waiting.slice(came.length)];
      const firstOpen = all.findIndex(({ settled }) => !settled);
      if (firstOpen >= 0 && all.slice(firstOpen).some(({ settled }) => settled))
        return `${named(came[0]!)}: two changes came in one request, and the second was taken before the first`;
      open.set(
        key,
        all.filter(({ settled }) => !settled),
      );
    }
  }
  return undefined;
}

/** A change that came twice under two ids, one after the other, with the same content. */
export function doubled(sendings: readonly Sending[]): string | undefined {
  const last = new Map<string, SentEvent>();
  for (const { events } of sendings)
    for (const event of events) {
      const before = last.get(keyOf(event));
      const isSame = before?.content === event.content && before.change === event.change;
      if (isSame && before.id !== event.id) return `${named(event)}: the same content came under another id`;
      last.set(keyOf(event), event);
    }
  return undefined;
}

/** Changes of a sending that did not come again under their ids. */
export const notAgain = (lost: Sending, sendings: readonly Sending[]): readonly string[] => {
  const again = new Set(sendings.flatMap(({ events }) => events.map(({ id }) => id)));
  return lost.events.filter(({ id }) => id === '' || !again.has(id)).map(named);
};
