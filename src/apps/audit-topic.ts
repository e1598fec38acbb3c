import { isFault } from '../domain/fault.ts';
import type { LogHost } from '../ports/event-log.ts';
import type { Epoch } from '../streams/epochs.ts';
import type { Health } from './annal.ts';
import type { Log } from './runtime.ts';

/**
 * Looks at the settings of an epoch's topic at start and says what is wrong with them. Gives what keeps the log from being
 * healthy: settings by which events are lost or altered. What the broker does not tell is said once and is no fault.
 */
export async function auditTopic(host: LogHost, epoch: Epoch, say: Log): Promise<Health['reasons']> {
  const { topic } = epoch;
  try {
    const { faults, unfit, unknown } = await host.audit(epoch);
    for (const setting of faults) say('warn', 'topic setting', { topic, setting });
    if (unknown.length > 0) say('info', 'topic settings not told', { topic, settings: unknown.join(' ') });
    return unfit.map((setting) => ({ code: 'TOPIC_UNFIT', detail: `topic ${topic}: ${setting}` }));
  } catch (error) {
    if (!isFault(error)) throw error;
    say('warn', 'topic settings not readable', { topic, code: error.code, error: error.message });
    return [];
  }
}
