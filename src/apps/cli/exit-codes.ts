import type { FaultCode } from '../../domain/fault.ts';

/** What the process ends with; the same table stands in `annal --help`. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  notAllowed: 5,
  differs: 6,
  interrupted: 130,
  outputClosed: 141,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodesAbout: readonly (readonly [ExitCode, string])[] = [
  [exitCodes.ok, 'done; an empty answer is one'],
  [exitCodes.failed, 'failed, or a part of it was refused'],
  [exitCodes.usage, 'asked in a wrong way, or not confirmed: nothing changed'],
  [exitCodes.notFound, 'not found'],
  [exitCodes.conflict, 'somebody else was first, or holds it'],
  [exitCodes.notAllowed, 'not allowed'],
  [exitCodes.differs, 'worked, and found a difference'],
  [exitCodes.interrupted, 'interrupted'],
  [exitCodes.outputClosed, 'the reader of the output went away'],
];

const byCode: Partial<Record<FaultCode, ExitCode>> = {
  ALREADY_RUNNING: exitCodes.conflict,
  ARCHIVE_EMPTY: exitCodes.notFound,
  BIND_NEEDS_TOKENS: exitCodes.usage,
  CAPTURE_CONFLICT: exitCodes.conflict,
  CAPTURE_EMPTY: exitCodes.notFound,
  CONFIG_INVALID: exitCodes.usage,
  CUT_INVALID: exitCodes.usage,
  DATA_EMPTY: exitCodes.notFound,
  DATA_NOT_EMPTY: exitCodes.conflict,
  EPOCH_TAKEN: exitCodes.conflict,
  EPOCH_UNKNOWN: exitCodes.notFound,
  IDEMPOTENCY_CONFLICT: exitCodes.conflict,
  INDEX_EXISTS: exitCodes.conflict,
  INDEX_NOT_KEPT: exitCodes.notFound,
  LOG_PRESENT: exitCodes.conflict,
  MOMENT_INVALID: exitCodes.usage,
  NOT_ALLOWED: exitCodes.notAllowed,
  PLUGIN_NAME_INVALID: exitCodes.usage,
  PORT_TAKEN: exitCodes.conflict,
  POSITION_INVALID: exitCodes.usage,
  PROJECTION_INVALID: exitCodes.usage,
  PROJECTION_UNKNOWN: exitCodes.notFound,
  QUERY_INVALID: exitCodes.usage,
  REBUILD_CANCELLED: exitCodes.interrupted,
  REBUILD_EMPTY: exitCodes.notFound,
  REBUILD_INTERRUPTED: exitCodes.interrupted,
  REBUILD_RUNNING: exitCodes.conflict,
  REBUILD_UNINDEXABLE: exitCodes.conflict,
  REQUEST_INVALID: exitCodes.usage,
  RESTORE_DIFFERS: exitCodes.differs,
  RESTORE_EMPTY: exitCodes.notFound,
  RESTORE_RUNNING: exitCodes.conflict,
  SCHEMA_FILE_INVALID: exitCodes.usage,
  SCHEMA_NOT_FOUND: exitCodes.notFound,
  SWAP_REFUSED: exitCodes.conflict,
  TOKENS_INVALID: exitCodes.usage,
  URN_INVALID: exitCodes.usage,
};

const byStatus: Readonly<Record<number, ExitCode>> = {
  401: exitCodes.notAllowed,
  403: exitCodes.notAllowed,
  404: exitCodes.notFound,
  409: exitCodes.conflict,
  412: exitCodes.conflict,
};

/** By the code where it says enough, else by the HTTP status it came with. */
export const exitCodeOf = (code: string, status?: number): ExitCode =>
  (byCode as Partial<Record<string, ExitCode>>)[code] ?? byStatus[status ?? 0] ?? exitCodes.failed;
