import { Fault } from '../domain/fault.ts';
import type { StateStore } from '../ports/archive.ts';
import { drillIds, type KeptDrill, keepDrill, parseDrill, readDrill } from '../streams/drill-report.ts';
import type { AnnalOfEpoch } from './annal.ts';

/** Reports of drills as a process keeps them: beside the archive of its log. */
export const drillsOf = (
  state: StateStore,
  log: string,
): Pick<AnnalOfEpoch, 'drills' | 'drillOf' | 'keepDrill'> => ({
  async drills(most) {
    const found: KeptDrill[] = [];
    for (const id of (await drillIds(state)).slice(0, most)) {
      const kept = await readDrill(state, id);
      if (kept !== undefined) found.push(kept);
    }
    return found;
  },
  drillOf: (id) => readDrill(state, id),
  async keepDrill(note) {
    const kept = parseDrill(Buffer.from(note));
    if (kept.report.log !== log)
      throw new Fault('NOTE_INVALID', { reason: `it is of log ${kept.report.log}`, log });
    await keepDrill(state, kept);
    return kept;
  },
});
