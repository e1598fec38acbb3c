import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brokerSettings, formatProperties } from '../server-settings.ts';
import { runToEnd } from './commands.ts';
import { findJdk } from './java.ts';
import { fetched } from './maven.ts';
import type { NativeRecipe } from './recipe.ts';

const formatWaitMs = 60_000;

/** Kafka's text form of a random UUID: 22 characters of base64url, not starting with a dash. */
function clusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

/** Apache Kafka as broker and controller in one process, from Maven packages. */
export const kafka: NativeRecipe = {
  portsCount: 2,
  async prepare() {
    const [jars, { home }] = [await fetched('kafka', 'copy-dependencies'), await findJdk(17)];
    const java = join(home, 'bin', 'java');
    const classPath = join(jars, '*');
    return async ({ folder, ports: [port, controllerPort], options }) => {
      const properties = join(folder, 'server.properties');
      const open = Object.entries({ PLAINTEXT: port, ...options.listeners }).map(
        ([name, at]) => `${name}://127.0.0.1:${at}`,
      );
      const settings = {
        'process.roles': 'broker,controller',
        'node.id': '1',
        'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
        'controller.listener.names': 'CONTROLLER',
        listeners: [...open, `CONTROLLER://127.0.0.1:${controllerPort}`].join(','),
        'advertised.listeners': open.join(','),
        'log.dirs': join(folder, 'data'),
        ...brokerSettings,
        ...options.settings,
      };
      await writeFile(properties, formatProperties(settings));
      const format = ['format', '-t', clusterId(), '-c', properties, '--standalone'];
      const scram = Object.entries(options.scramUsers ?? {}).flatMap(([name, password]) =>
        ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
          '--add-scram',
          `${mechanism}=[name=${name},password=${password}]`,
        ]),
      );
      const tool = ['-Xmx128m', '-cp', classPath, 'kafka.tools.StorageTool', ...format, ...scram];
      await runToEnd(java, tool, {
        waitMs: formatWaitMs,
      });
      const logging = [
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
        '-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.utils.AppInfoParser=info',
      ];
      const heap = `-Xmx${options.heapMiB ?? 512}m`;
      return {
        address: `127.0.0.1:${port}`,
        command: {
          program: java,
          args: [heap, ...logging, '-cp', classPath, 'kafka.Kafka', properties],
          cwd: folder,
        },
        softwareOf: (log) => /Kafka version: (\S+)/.exec(log)?.[1],
      };
    };
  },
};
