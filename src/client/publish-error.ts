import { type FaultCode, faults, type Remedy } from '../domain/fault.ts';

/** What is known of a change, or of a whole request, that was not taken. */
export interface PublishErrorFacts {
  /** One sentence for people. */
  readonly detail: string;
  /** RFC 6901, into the change. */
  readonly pointer?: string | undefined;
  /** HTTP status, where there was one. */
  readonly status?: number | undefined;
  /** How long whoever refused asks to be left alone. */
  readonly retryAfterMs?: number | undefined;
  /** Where the code is one that this version does not know: what may be done about it. */
  readonly remedy?: Remedy | undefined;
  readonly cause?: unknown;
}

/**
 * Why a change is not in the log. `code` is stable: one of docs/errors.md, or, from a server newer than this client, one that is
 * not there yet. Branch on `code` (with `isPublishError`) or on `remedy`: `retry` passes by itself, anything else does not.
 */
export class PublishError extends Error {
  readonly code: string;
  readonly remedy: Remedy;
  readonly detail: string;
  readonly pointer: string | undefined;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, { detail, pointer, status, retryAfterMs, remedy, cause }: PublishErrorFacts) {
    super(`${code}: ${detail}`, cause === undefined ? {} : { cause });
    this.name = 'PublishError';
    this.code = code;
    this.remedy = isKnown(code) ? faults[code].remedy : (remedy ?? 'refuse');
    this.detail = detail;
    this.pointer = pointer;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

const isKnown = (code: string): code is FaultCode => Object.hasOwn(faults, code);

/** Whether this is a refusal, and of one of these codes where any are named. */
export const isPublishError = <C extends FaultCode>(
  error: unknown,
  ...codes: readonly C[]
): error is PublishError & { readonly code: C } =>
  error instanceof PublishError && (codes.length === 0 || (codes as readonly string[]).includes(error.code));
