import { isFault } from '../../domain/fault.ts';
import { problemOf } from './failure.ts';

/** What `annal doctor` found out about one thing. */
export interface Check {
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly doThis?: string;
}

const answerMs = 8_000;

/** The checks that `work` gives; a fault of it, or no answer within 8 s, is a failed one. */
export async function checked(
  check: string,
  work: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  const late = Promise.withResolvers<readonly Check[]>();
  const timer = setTimeout(
    () => late.resolve([{ check, status: 'fail', detail: `no answer within ${answerMs / 1_000} s` }]),
    answerMs,
  );
  try {
    return await Promise.race([work(), late.promise]);
  } catch (error) {
    if (isFault(error)) {
      const { code, detail, doThis = '' } = problemOf(error);
      return [{ check, status: 'fail', detail: `${code}: ${detail}`, doThis }];
    }
    return [{ check, status: 'fail', detail: error instanceof Error ? reasonOf(error) : String(error) }];
  } finally {
    clearTimeout(timer);
  }
}

/** Of a failed fetch the cause says more than the error. */
function reasonOf(error: Error): string {
  const { cause } = error;
  return cause instanceof Error && cause.message !== ''
    ? `${error.message}: ${cause.message}`
    : error.message;
}
