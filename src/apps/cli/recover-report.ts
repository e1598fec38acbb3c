import { v7 as uuidV7 } from 'uuid';
import { type DrillReport, drillNote, notRecovered } from '../../streams/drill-report.ts';
import type { RebuildReport } from '../../streams/rebuild-report.ts';
import type { AnnalConfig } from '../config.ts';
import { reportSigner } from '../report-signer.ts';
import type { Call } from './call.ts';
import { keepReported } from './drill-keep.ts';
import { timeText } from './operations.ts';
import { inOrder, type Plan } from './recover-plan.ts';
import type { Session } from './session.ts';

/** What a recovery brought back, and how long it took since it was confirmed: signed and kept beside the archive. */
export async function reportRecovery(
  session: Session,
  config: AnnalConfig,
  {
    plan,
    built,
    startedAt,
  }: { readonly plan: Plan; readonly built: readonly RebuildReport[]; readonly startedAt: number },
  call: Call,
): Promise<DrillReport> {
  const endedAt = Date.now();
  const { archive, into, log, name } = plan;
  const report: DrillReport = {
    ...{ id: uuidV7(), kind: 'recovery', log, name, archive, into, result: 'proven', fault: null },
    models: inOrder(built).map(
      ({ projection, version, cut, events, documents, unindexable, root, ...took }) => ({
        ...{ projection, version, cut, events, documents, unindexable, root },
        ...{ tookMs: took.foldMs + took.readBackMs, live: null },
      }),
    ),
    checkpoint: built.at(-1)?.checkpoint ?? null,
    ...{ startedAt, endedAt, tookMs: endedAt - startedAt, notRecovered },
  };
  await keepReported(call, drillNote(report, reportSigner(config)), session.io.signal);
  session.note(
    `took ${timeText(report.tookMs)}; what no archive brings back stands in \`annal drill report\``,
  );
  return report;
}
