import type { KeptDrill } from '../../streams/drill-report.ts';
import { ask, type Call } from './call.ts';

/** Has the report of a recovery or drill kept beside the archive, by whoever holds it. */
export async function keepReported(call: Call, { note }: KeptDrill, signal: AbortSignal): Promise<void> {
  await ask(call, 'POST', '/v1/drills', { body: JSON.stringify({ note }), signal });
}
