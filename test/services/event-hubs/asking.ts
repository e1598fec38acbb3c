import { once } from 'node:events';
import net from 'node:net';
import { framed, frames, int16, int32, text } from './wire.ts';

/** A connection that speaks Kafka's protocol by hand. */
export interface Asking extends AsyncDisposable {
  /** The answer's body, or `closed`. Requests may be sent before the ones before are answered. */
  ask(apiKey: number, apiVersion: number, body: Buffer): Promise<Buffer | 'closed'>;
}

export async function asking(address: string): Promise<Asking> {
  const colon = address.lastIndexOf(':');
  const socket = net.connect(Number(address.slice(colon + 1)), address.slice(0, colon));
  await once(socket, 'connect');
  const waiting: ((answer: Buffer | 'closed') => void)[] = [];
  socket.on(
    'data',
    frames((frame) => waiting.shift()?.(frame.subarray(4))),
  );
  socket.on('error', () => {}); // `close` follows.
  socket.on('close', () => {
    for (const resolve of waiting.splice(0)) resolve('closed');
  });
  let correlation = 0;
  return {
    ask(apiKey, apiVersion, body) {
      correlation += 1;
      const head = [int16(apiKey), int16(apiVersion), int32(correlation), text('asking')];
      return new Promise((resolve) => {
        if (socket.destroyed) return resolve('closed');
        waiting.push(resolve);
        socket.write(framed(...head, body));
      });
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}
