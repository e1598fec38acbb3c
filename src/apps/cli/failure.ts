import { type Fault, faults } from '../../domain/fault.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts';
import { visible } from './print.ts';

/** What went wrong, for people: the members of an RFC 9457 problem that the API sends, and of our own failures. */
export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly doThis?: string;
  /** RFC 6901, within what was sent. */
  readonly pointer?: string;
  readonly status?: number;
  /** Lines below the first, one fact each. */
  readonly lines?: readonly string[];
}

/** Ends a command with a problem and an exit code. */
export class Failure extends Error {
  readonly problem: Problem;
  readonly exitCode: ExitCode;

  constructor(problem: Problem, exitCode: ExitCode = exitCodeOf(problem.code, problem.status)) {
    super(problem.detail);
    this.name = 'Failure';
    this.problem = problem;
    this.exitCode = exitCode;
  }
}

/** The words typed do not say what to do; nothing happened. */
export const usage = (detail: string, doThis?: string): Failure =>
  new Failure(
    { code: 'USAGE_INVALID', detail, doThis: doThis ?? faults.USAGE_INVALID.doThis },
    exitCodes.usage,
  );

interface ListedFault {
  readonly at: string;
  readonly what: string;
}

export function problemOf(fault: Fault): Problem {
  const { doThis, about } = faults[fault.code];
  const { faults: listed } = fault.facts as { faults?: readonly ListedFault[] };
  if (fault.code === 'CONFIG_INVALID' && listed !== undefined)
    return { code: fault.code, detail: about, doThis, lines: listed.map(({ at, what }) => `${at} ${what}`) };
  const { folder, address, pid } = fault.facts;
  if (fault.code === 'ALREADY_RUNNING' && address !== undefined) {
    const detail = `already running at ${String(address)} (process ${String(pid)}, folder ${String(folder)})`;
    return { code: fault.code, detail, doThis };
  }
  return { code: fault.code, detail: fault.message.slice(fault.code.length + 2), doThis };
}

/** `annal: CODE: what happened (where)`, the listed facts, and what to do next. */
export function problemText({ code, detail, doThis, pointer, lines = [] }: Problem): string {
  const where = pointer === undefined || pointer === '' ? '' : ` (at ${pointer})`;
  const next = doThis === undefined || doThis === '' ? [] : [`  → ${doThis}`];
  return [`annal: ${code}: ${detail}${where}`, ...lines.map((line) => `  ${line}`), ...next]
    .map(visible)
    .join('\n');
}
