import { existsSync } from 'node:fs';
import { type RequestOptions, request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';

const answerWaitMs = 2_000;

function* engines(): Generator<RequestOptions> {
  const host = process.env.DOCKER_HOST;
  if (host !== undefined && host !== '') {
    const url = new URL(host);
    yield url.hostname === '' ? { socketPath: url.pathname } : { host: url.hostname, port: url.port || 2375 };
    return;
  }
  if (process.platform === 'win32') yield { socketPath: '//./pipe/docker_engine' };
  const sockets = [
    '/var/run/docker.sock',
    ...['run', 'desktop'].map((name) => join(homedir(), '.docker', name, 'docker.sock')),
  ];
  if (process.env.XDG_RUNTIME_DIR) sockets.push(join(process.env.XDG_RUNTIME_DIR, 'docker.sock'));
  for (const socketPath of sockets.filter((path) => existsSync(path))) yield { socketPath };
}

const answers = (engine: RequestOptions): Promise<boolean> =>
  new Promise((resolve) => {
    const ping = request({ ...engine, path: '/_ping', timeout: answerWaitMs }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.once('timeout', () => ping.destroy());
    ping.once('error', () => resolve(false));
    ping.once('close', () => resolve(false));
    ping.end();
  });

/** True where a Docker engine answers its ping within 2 s, at DOCKER_HOST or at the sockets where engines listen. */
export async function dockerAnswers(): Promise<boolean> {
  for (const engine of engines()) if (await answers(engine)) return true;
  return false;
}
