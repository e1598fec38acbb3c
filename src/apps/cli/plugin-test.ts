import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../../domain/fault.ts';
import type { Law, LawVerdict } from '../plugin-kit/law.ts';
import { deletion, laws } from '../plugin-kit/laws.ts';
import { registryLaw } from '../plugin-kit/registry-law.ts';
import { ownAnnal, testPlugin } from '../plugin-kit/test-plugin.ts';
import { exitCodes } from './exit-codes.ts';
import { usage } from './failure.ts';
import { counted, painted, tableText, visible } from './print.ts';
import { isSet, type Options, type Run, type Session, textOf, textsOf } from './session.ts';

const program = join(fileURLToPath(new URL('../../../', import.meta.url)), 'bin', 'annal.js');
const waitSecondsDefault = 20;
const colours = { kept: 'green', broken: 'red', 'not tested': 'yellow' } as const;

/** Looks whether a plugin keeps the laws of plugins; ends with `PLUGIN_LAW_BROKEN` where one is broken. */
export const run: Run = async (session, command, options) => {
  const { asked, skipped } = chosen(options);
  if (isSet(options, 'list')) {
    const all = [...laws, deletion(''), registryLaw({ connection: '', topic: '', registryUrl: '' })];
    const items = all.map(({ name, about }) => ({ law: name, about }));
    await session.write(
      session.output === 'table'
        ? await tableText(
            session,
            ['LAW', 'ABOUT'],
            items.map(({ law, about }) => [law, about]),
          )
        : `${JSON.stringify({ items })}\n`,
    );
    return exitCodes.ok;
  }
  if (command.length === 0) throw usage('the command of the plugin is missing: annal plugin test -- COMMAND');
  const waitText = textOf(options, 'wait') ?? String(waitSecondsDefault);
  if (!/^[1-9][0-9]{0,3}$/.test(waitText)) throw usage(`--wait ${waitText} is no number of seconds`);
  const verdicts: LawVerdict[] = [];
  const tell = async (verdict: LawVerdict): Promise<void> => {
    verdicts.push(verdict);
    if (session.output !== 'json') await session.write(line(session, verdict));
  };
  const { env, signal } = session.io;
  await using annal = await ownAnnal(program, env.PATH);
  const { address } = annal;
  const test = { command, laws: asked, waitMs: Number(waitText) * 1_000, env, address, signal };
  try {
    for await (const verdict of testPlugin(test)) await tell(verdict);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw usage(`${JSON.stringify(command[0])} is no command`);
  }
  for (const verdict of skipped) await tell(verdict);
  if (session.output === 'json') await session.write(`${JSON.stringify({ items: verdicts })}\n`);
  const broken = verdicts.filter(({ verdict }) => verdict === 'broken');
  if (broken.length > 0)
    throw new Fault('PLUGIN_LAW_BROKEN', { laws: broken.map(({ law }) => law).join(', ') });
  session.note(`${counted(verdicts.length - skipped.length, 'law')} kept, ${skipped.length} not tested`);
  return exitCodes.ok;
};

function line(session: Session, { law, verdict, detail }: LawVerdict): string {
  if (session.output === 'ndjson') return `${JSON.stringify({ law, verdict, detail })}\n`;
  return `${painted(session, colours[verdict], verdict.padEnd(10))}  ${law.padEnd(10)}  ${visible(detail)}\n`;
}

/** The laws to look at, and those that are not looked at, with the reason. */
function chosen(options: Options): {
  readonly asked: readonly Law[];
  readonly skipped: readonly LawVerdict[];
} {
  const only = textsOf(options, 'only');
  const remove = textOf(options, 'remove');
  const [connection, topic] = [textOf(options, 'inbox'), textOf(options, 'inboxTopic')];
  const registryUrl = textOf(options, 'registry');
  const hasInbox = connection !== undefined && topic !== undefined && registryUrl !== undefined;
  if (!hasInbox && (connection ?? topic ?? registryUrl) !== undefined)
    throw usage('--inbox, --inbox-topic and --registry go together');
  const possible: readonly Law[] = [
    ...laws,
    ...(remove === undefined ? [] : [deletion(remove)]),
    ...(hasInbox ? [registryLaw({ connection, topic, registryUrl })] : []),
  ];
  const missing: readonly LawVerdict[] = [
    ...(remove === undefined
      ? [untested('deletion', '--remove says how something goes from its source')]
      : []),
    ...(hasInbox ? [] : [untested('registry', '--inbox, --inbox-topic and --registry say where one is')]),
  ];
  if (only.length === 0) return { asked: possible, skipped: missing };
  const known = new Set(possible.map(({ name }) => name));
  const unknown = only.filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw usage(
      `there is no law ${unknown.join(', ')} to look at with these options`,
      '`--list` lists them.',
    );
  return { asked: possible.filter(({ name }) => only.includes(name)), skipped: [] };
}

const untested = (law: string, detail: string): LawVerdict => ({ law, verdict: 'not tested', detail });
