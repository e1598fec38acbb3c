import type { ReadyChange } from '../../src/client/change.ts';
import { PublishError } from '../../src/client/publish-error.ts';
import type { Parcel, Transport, Verdict } from '../../src/client/transport.ts';

/** What one sending comes to: `take` all, `lose` the answer after all was taken, or fail. */
export type Turn = 'take' | 'lose' | 'away' | ((parcels: readonly Parcel[]) => readonly Verdict[]);

export interface ScriptedTransport extends Transport {
  /** Each sending so far. */
  readonly sent: readonly (readonly ReadyChange[])[];
  /** What arrived, in order, repeats too. */
  readonly arrived: readonly ReadyChange[];
  /** The next sendings; after them all are taken. */
  readonly turns: Turn[];
  /** While there is one, sendings wait for it. */
  gate: Promise<void> | undefined;
}

export const away = (retryAfterMs?: number): PublishError =>
  new PublishError('SERVER_UNREACHABLE', { detail: 'away', retryAfterMs });

/** A way that goes as it is told, in memory. */
export function scriptedTransport(
  bounds: Partial<Pick<Transport, 'changesMax' | 'bytesMax'>> = {},
): ScriptedTransport {
  const sent: (readonly ReadyChange[])[] = [];
  const arrived: ReadyChange[] = [];
  const turns: Turn[] = [];
  const take = (parcels: readonly Parcel[]): readonly Verdict[] =>
    parcels.map(({ change }) => {
      const position = `1-0-${arrived.push(change) - 1}`;
      return { place: { where: 'log', position }, repeated: false };
    });
  return {
    ...{ where: 'log', address: 'memory', changesMax: 100, bytesMax: 1_000_000, sent, arrived, turns },
    ...bounds,
    gate: undefined,
    pack: (change) => ({ change, bytes: Buffer.from(JSON.stringify(change)) }),
    async send(parcels, signal) {
      sent.push(parcels.map(({ change }) => change));
      await this.gate;
      signal.throwIfAborted();
      const turn = turns.shift() ?? 'take';
      if (typeof turn === 'function') return turn(parcels);
      if (turn === 'away') throw away();
      const verdicts = take(parcels);
      if (turn === 'lose') throw away();
      return verdicts;
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** A real way whose answers are lost as the script says. */
export function lossy(transport: Transport, turns: ('take' | 'lose' | 'away')[]): Transport {
  return {
    ...transport,
    async send(parcels, signal) {
      const turn = turns.shift() ?? 'take';
      if (turn === 'away') throw away();
      const verdicts = await transport.send(parcels, signal);
      if (turn === 'lose') throw away();
      return verdicts;
    },
  };
}
