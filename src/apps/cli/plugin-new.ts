import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../../domain/fault.ts';
import { exitCodes } from './exit-codes.ts';
import { dockerfileText, dockerignoreText, mainText, readmeText } from './plugin-texts.ts';
import { type Run, textOf } from './session.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const nameText = /^[a-z][a-z0-9-]{0,62}$/;

/** Writes a plugin that runs at once. Rejects with `PLUGIN_NAME_INVALID` where there is something of that name. */
export const run: Run = async (session, [name = ''], options) => {
  if (!nameText.test(name)) throw new Fault('PLUGIN_NAME_INVALID', { name, reason: 'not a name' });
  const parent = textOf(options, 'dir') ?? (existsSync('plugins') ? 'plugins' : '.');
  const folder = resolve(parent, name);
  if (existsSync(folder))
    throw new Fault('PLUGIN_NAME_INVALID', { name, reason: `${folder} is there already` });
  const toClient = relative(folder, join(root, 'src', 'client'))
    .split(sep)
    .join('/');
  const isOurs = dirname(folder) === join(root, 'plugins');
  const files: readonly (readonly [file: string, text: string])[] = [
    ['main.ts', mainText(name, toClient)],
    ['README.md', readmeText(name, `${isOurs ? 'npx node' : 'node'} ${join(parent, name)}`)],
    ...(isOurs
      ? ([
          ['Dockerfile', dockerfileText(name)],
          ['Dockerfile.dockerignore', dockerignoreText(name)],
        ] as const)
      : []),
  ];
  await mkdir(folder, { recursive: true });
  for (const [file, text] of files) await writeFile(join(folder, file), text, { flag: 'wx' });
  const shown = join(parent, name);
  const next = `ANNAL_URL=http://127.0.0.1:8080 ${isOurs ? 'npx node' : 'node'} ${shown}/main.ts`;
  await session.write(
    session.output === 'table'
      ? `made ${shown}: ${files.map(([file]) => file).join(', ')}\nrun it:  ${next}\ntest it: annal plugin test -- node ${shown}/main.ts\n`
      : `${JSON.stringify({ folder, files: files.map(([file]) => file), run: next })}\n`,
  );
  return exitCodes.ok;
};
