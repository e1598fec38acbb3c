import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { elasticsearchSettings } from '../server-settings.ts';
import { runToEnd } from './commands.ts';
import { findJdk, type Jdk } from './java.ts';
import { fetched, pinnedVersion } from './maven.ts';
import type { NativeRecipe } from './recipe.ts';

const javaMajorMin = 21;
const compileWaitMs = 60_000;
const nodeSource = fileURLToPath(new URL('./elasticsearch/EsNode.java', import.meta.url));

/** One Elasticsearch node from Maven packages. It lacks the modules that are only in the full distribution. */
export const elasticsearch: NativeRecipe = {
  portsCount: 2,
  async prepare() {
    const jdk = await findJdk(javaMajorMin);
    const fetchedFolder = await fetched('elasticsearch', 'copy-dependencies', {
      also: await readFile(nodeSource, 'utf8'),
      finish: (folder) => layOut(folder, jdk),
    });
    const classPath = `${join(fetchedFolder, 'node', '*')}:${join(fetchedFolder, 'boot')}`;
    return async ({ folder, ports: [port, transportPort], options }) => {
      for (const name of ['config', 'data', 'logs', 'plugins']) await mkdir(join(folder, name));
      await symlink(join(fetchedFolder, 'modules'), join(folder, 'modules'));
      const settings = {
        ...elasticsearchSettings,
        'http.port': String(port),
        'transport.port': String(transportPort),
        ...options.settings,
      };
      const lines = Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
      await writeFile(join(folder, 'config', 'elasticsearch.yml'), lines.join(''));
      const heapMiB = options.heapMiB ?? 1024;
      return {
        address: `http://127.0.0.1:${port}`,
        command: {
          program: join(jdk.home, 'bin', 'java'),
          args: [
            ...[`-Xms${heapMiB}m`, `-Xmx${heapMiB}m`, '--add-modules', 'jdk.incubator.vector'],
            ...['--enable-native-access=ALL-UNNAMED', '-cp', classPath, 'EsNode', folder],
          ],
          cwd: folder,
        },
      };
    };
  },
};

/** Splits the jars into the node's class path and its HTTP module, and compiles the class that starts it. */
async function layOut(folder: string, jdk: Jdk): Promise<void> {
  const [node, boot, module] = ['node', 'boot', join('modules', 'transport-netty4')].map((name) =>
    join(folder, name),
  );
  for (const made of [node!, boot!, module!]) await mkdir(made, { recursive: true });
  for (const jar of (await readdir(folder)).filter((name) => name.endsWith('.jar'))) {
    const home = /^(netty|transport-netty4)-/.test(jar) ? module! : node!;
    await rename(join(folder, jar), join(home, jar));
  }
  const version = await pinnedVersion('elasticsearch');
  // Without `modulename` the module loads from a plain class loader, which a node from a class path needs.
  const descriptor = [
    'name=transport-netty4',
    'description=HTTP and transport over Netty',
    `version=${version}`,
    `elasticsearch.version=${version}`,
    `java.version=${javaMajorMin}`,
    'classname=org.elasticsearch.transport.netty4.Netty4Plugin',
    'extended.plugins=',
    'has.native.controller=false',
    'licensed=false',
  ];
  await writeFile(join(module!, 'plugin-descriptor.properties'), `${descriptor.join('\n')}\n`);
  const compile = ['--release', String(javaMajorMin), '-cp', join(node!, '*'), '-d', boot!, nodeSource];
  await runToEnd(join(jdk.home, 'bin', 'javac'), compile, { waitMs: compileWaitMs });
}
