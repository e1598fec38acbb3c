import type { Ports } from '../composition/compose.ts';
import { isFault } from '../domain/fault.ts';
import { eventSchemaText } from '../formats/event.ts';
import { subjectOf } from '../streams/archive-names.ts';
import type { Log } from './runtime.ts';

const retryMs = 5_000;

/**
 * Registers the event schema under the name of a topic that producers write to, so that they find it there: once, or until
 * `signal` aborts while the registry is away. One that refuses it is an error line; the topic is read all the same, by whatever
 * schema its records name.
 */
export async function announceSchema(
  { registry, clock }: Pick<Ports, 'registry' | 'clock'>,
  topic: string,
  say: Log,
  signal: AbortSignal,
): Promise<void> {
  const subject = subjectOf(topic);
  while (!signal.aborted) {
    try {
      await registry.register(subject, eventSchemaText);
      return;
    } catch (error) {
      if (!isFault(error)) throw error;
      const again = error.remedy === 'retry';
      say(again ? 'warn' : 'error', 'schema not announced', {
        ...{ subject, code: error.code, error: error.message },
      });
      if (!again) return;
    }
    await clock.wait(retryMs, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
