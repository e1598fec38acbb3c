import { readFileSync } from 'node:fs';

/** A plugin that tells what the files of a folder are: short, and with everything that plugins need. */
export const mainText = (name: string, toClient: string): string => `\
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonValue } from '${toClient}/change.ts';
import { placeText } from '${toClient}/change.ts';
import { runPlugin } from '${toClient}/run-plugin.ts';

/** What it looks at: yours instead. Each entity by its URN, with its aspects. */
async function look(folder: string): Promise<Map<string, Map<string, JsonValue>>> {
  const found = new Map<string, Map<string, JsonValue>>();
  for (const file of await readdir(folder)) {
    if (!/^[A-Za-z0-9._-]+$/.test(file)) continue;
    const { size } = await stat(join(folder, file));
    const properties = { name: file, customProperties: { bytes: String(size) } };
    const urn = \`urn:li:dataset:(urn:li:dataPlatform:${name},\${file},PROD)\`;
    found.set(urn, new Map([['datasetProperties', properties]]));
  }
  return found;
}

await runPlugin(
  {
    name: '${name}',
    version: '0.1.0',
    async work({ env, snapshot, rest, signal }) {
      while (!signal.aborted) {
        // Only what differs from the last look is published; what is gone is deleted.
        await snapshot(await look(env.FOLDER ?? '.'), { complete: true });
        await rest(Number(env.EVERY_SECONDS ?? 60) * 1_000);
      }
    },
    onPublished: ({ urn, place }, { say }) => say(\`MCE Published \${urn} \${placeText(place)}\`),
  },
  process,
);
`;

export const readmeText = (name: string, command: string): string => `\
# ${name}

A plugin of Annal. It publishes what the files of \`FOLDER\` are, every \`EVERY_SECONDS\`.
Change \`look\` in \`main.ts\` into yours.

\`\`\`sh
ANNAL_URL=http://127.0.0.1:8080 ${command}/main.ts
annal plugin test -- ${command}/main.ts
\`\`\`

It needs Node 24 or newer. Its settings and what every plugin has to do: docs/operations/plugins.md of Annal.
`;

const example = (file: string): string =>
  readFileSync(new URL(`../../../plugins/example/${file}`, import.meta.url), 'utf8');

/** That of the example, for another name. */
export const dockerfileText = (name: string): string =>
  example('Dockerfile')
    .replace('The example plugin', `The plugin ${name}`)
    .replaceAll('plugins/example', `plugins/${name}`)
    .replaceAll('annal-plugin-example', `annal-plugin-${name}`);

export const dockerignoreText = (name: string): string =>
  example('Dockerfile.dockerignore').replaceAll('plugins/example', `plugins/${name}`);
