import { type FaultCode, faults } from '../../domain/fault.ts';
import { visible } from './print.ts';
import type { Sent } from './send-events.ts';
import type { Session } from './session.ts';

export interface ResultCounts {
  all: number;
  appended: number;
  /** Of `appended`: was in the log before. */
  repeated: number;
  refused: number;
  /** May be in the log. */
  unknown: number;
}

/** Tells what became of events while they are sent: one JSON document, one line each, or only what was refused. */
export interface Results {
  readonly counts: Readonly<ResultCounts>;
  take(sent: readonly Sent[]): Promise<void>;
  /** Says the counts; a JSON document is whole then, also after a failure. */
  end(failure?: unknown): Promise<void>;
}

const refusalsShownMax = 50;

/** `name`: what an event's place is called, `line` or `urn`. */
export async function openResults(session: Session, name: string): Promise<Results> {
  const counts: ResultCounts = { all: 0, appended: 0, repeated: 0, refused: 0, unknown: 0 };
  const codes = new Set<string>();
  const { output } = session;
  const itemText = ({ at, ...told }: Sent): string =>
    JSON.stringify({ [name]: /^[0-9]+$/.test(at) ? Number(at) : at, ...told });

  function count(sent: Sent): void {
    counts.all += 1;
    counts[sent.status] += 1;
    if (sent.repeated === true) counts.repeated += 1;
  }

  function tell({ at, status, code = '', pointer = '', detail = '' }: Sent): void {
    if (status === 'appended') return;
    codes.add(code);
    const failed = counts.refused + counts.unknown;
    if (failed <= refusalsShownMax)
      session.note(visible(`${name} ${at}: ${code}${pointer === '' ? '' : ` at ${pointer}`}: ${detail}`));
  }

  return {
    counts,
    async take(sent) {
      const before = counts.all;
      for (const one of sent) {
        count(one);
        tell(one);
      }
      if (output === 'ndjson') await session.write(sent.map((one) => `${itemText(one)}\n`).join(''));
      if (output === 'json')
        await session.write(`${before === 0 ? '{"items":[' : ','}${sent.map(itemText).join(',')}`);
    },
    async end(failure) {
      const hidden = counts.refused + counts.unknown - refusalsShownMax;
      if (hidden > 0) session.note(`… and ${hidden} more; --output ndjson lists all`);
      for (const code of codes)
        if (Object.hasOwn(faults, code)) session.note(`  → ${code}: ${faults[code as FaultCode].doThis}`);
      const { all, ...told } = counts;
      if (output === 'json' && (all > 0 || failure === undefined))
        await session.write(`${all === 0 ? '{"items":[' : ''}],${JSON.stringify(told).slice(1)}\n`);
      if (output === 'table' && failure === undefined)
        await session.write(
          `appended ${told.appended} (${told.repeated} were there before), refused ${told.refused}, unknown ${told.unknown}\n`,
        );
    },
  };
}
