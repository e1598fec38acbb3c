import { concatMap, defer, EMPTY, type Observable, of, repeat } from 'rxjs';

/**
 * Runs `work` on what `pull` gives, one after the other, until it gives undefined. Flattening operators queue without
 * bound, so nothing above them may push: `repeat` asks for the next only once `work` has completed. Nothing is ever
 * pulled ahead of the work. Errors of either end the stream.
 */
export function drain<Pulled, Result>(
  pull: () => Promise<Pulled | undefined>,
  work: (pulled: Pulled) => Promise<Result>,
): Observable<Result> {
  return defer(() => {
    let ended = false;
    return defer(pull).pipe(
      concatMap((pulled) => {
        ended = pulled === undefined;
        return pulled === undefined ? EMPTY : defer(() => work(pulled));
      }),
      repeat({ delay: () => (ended ? EMPTY : of(undefined)) }),
    );
  });
}
