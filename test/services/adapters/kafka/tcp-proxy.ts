import { once } from 'node:events';
import net from 'node:net';

/** A way to a server that a test can cut, on 127.0.0.1. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections made so far. */
  readonly made: number;
  /** Drops every connection there is; new ones are taken. */
  cut(): void;
  /** Drops every connection and refuses new ones, until `restore`. */
  refuse(): Promise<void>;
  restore(): Promise<void>;
  /** What becomes of each piece on its way to the server; `cut` loses it and the connection, `swallow` only the piece. */
  inspect: (piece: Buffer) => 'pass' | 'cut' | 'swallow';
}

export async function tcpProxy(host: string, port: number): Promise<TcpProxy> {
  const sockets = new Set<net.Socket>();
  let made = 0;
  const server = net.createServer((near) => {
    made += 1;
    const far = net.connect(port, host);
    const end = () => {
      near.destroy();
      far.destroy();
      sockets.delete(near);
    };
    sockets.add(near);
    for (const socket of [near, far]) {
      socket.on('close', end);
      socket.on('error', end);
    }
    far.pipe(near);
    near.on('data', (piece: Buffer) => {
      const fate = proxy.inspect(piece);
      if (fate === 'pass') far.write(piece);
      if (fate === 'cut') end();
    });
  });
  const listen = async (at: number): Promise<number> => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as net.AddressInfo).port;
  };
  const bound = await listen(0);
  const proxy: TcpProxy = {
    port: bound,
    get made() {
      return made;
    },
    inspect: () => 'pass',
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async refuse() {
      const closed = once(server, 'close');
      server.close();
      proxy.cut();
      await closed;
    },
    async restore() {
      await listen(bound);
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await proxy.refuse();
    },
  };
  return proxy;
}
