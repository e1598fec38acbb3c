import { availableParallelism, cpus, loadavg } from 'node:os';

/** Middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.floor(half)]! + sorted[Math.ceil(half) - 1]!) / 2;
}

/** Runs A B A B …, so that what else the machine does meets both alike. */
export async function alternating<A, B>(
  rounds: number,
  a: (round: number) => Promise<A>,
  b: (round: number) => Promise<B>,
): Promise<{ readonly a: A[]; readonly b: B[] }> {
  const done: { a: A[]; b: B[] } = { a: [], b: [] };
  for (let round = 0; round < rounds; round += 1) {
    done.a.push(await a(round));
    done.b.push(await b(round));
  }
  return done;
}

/** Median of the ratios round by round: neighbours in time are compared. */
export const medianRatio = (measured: readonly number[], ceiling: readonly number[]): number =>
  median(measured.map((one, round) => one / ceiling[round]!));

/** The spread is part of the figure. */
const spread = (values: readonly number[], shown: (value: number) => string): string =>
  values.length === 1
    ? shown(values[0]!)
    : `${shown(median(values))} (${shown(Math.min(...values))}-${shown(Math.max(...values))})`;

export const perSecond = (rates: readonly number[]): string =>
  `${spread(rates, (rate) => (rate < 10_000 ? Math.round(rate).toString() : `${Math.round(rate / 1_000)}k`))}/s`;
export const milliseconds = (values: readonly number[]): string =>
  `${spread(values, (value) => Math.round(value).toString())} ms`;
export const seconds = (values: readonly number[]): string =>
  `${spread(values, (value) => value.toFixed(1))} s`;
export const mebibytes = (values: readonly number[]): string =>
  `${spread(values, (value) => Math.round(value).toString())} MiB`;

export const load = (): string => `load ${loadavg()[0]!.toFixed(1)}`;

export const machine = (): string =>
  `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}, ${load()}`;
