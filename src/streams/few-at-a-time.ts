const documentsMax = 64;

/**
 * What a scan gives, few documents at a time, with `rest` between two of them: an engine in this process gives thousands at once,
 * and whoever else lives here waits while they are worked on.
 */
export async function* fewAtATime<Item>(
  scan: AsyncIterable<readonly Item[]>,
  rest: (documents: number) => Promise<void>,
): AsyncGenerator<readonly Item[], void> {
  for await (const documents of scan)
    for (let from = 0; from < documents.length; from += documentsMax) {
      const few = documents.slice(from, from + documentsMax);
      yield few;
      await rest(few.length);
    }
}

/** What steps lead to, with `rest` between two of them. */
export async function inSteps<Result>(
  steps: Iterator<undefined, Result>,
  rest: () => Promise<void>,
): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await rest();
  }
}
