import { checkFold, type FoldCheck } from '../../streams/check-fold.ts';
import { deniedWorld } from '../denied-world.ts';
import { known } from '../rebuilds.ts';
import { withHistory } from './archived-history.ts';
import { exitCodes } from './exit-codes.ts';
import { counted, tableText } from './print.ts';
import { openProgress } from './progress.ts';
import type { Run, Session } from './session.ts';

/** Folds the archive twice, otherwise cut the second time. Ends with 6 where the folds differ or the fold is not pure. */
export const run: Run = async (session, [name = ''], options) => {
  const projection = known(name);
  const check = await withHistory(session, options, (history) =>
    checked(session, async (onProgress) => {
      using world = deniedWorld();
      return await checkFold(projection, history, world, onProgress, session.io.signal);
    }),
  );
  if (session.output === 'json') await session.write(`${JSON.stringify(check)}\n`);
  else if (session.output === 'ndjson')
    for (const one of check.disagreements) await session.write(`${JSON.stringify(one)}\n`);
  else await session.write(await checkText(session, check));
  if (check.pure) return exitCodes.ok;
  const wrong =
    check.asked.length > 0 ? `asks for ${check.asked.join(', ')}` : 'folds one history in two ways';
  session.note(
    `annal: ${name} ${wrong}\n  → a fold reads what it is given and nothing else; mend it under a new version`,
  );
  return exitCodes.differs;
};

async function checked(
  session: Session,
  work: (onProgress: (done: number, total: number) => void) => Promise<FoldCheck>,
): Promise<FoldCheck> {
  await using progress = await openProgress(session);
  return await work((done, total) => progress.show('folding twice', done, total));
}

async function checkText(session: Session, check: FoldCheck): Promise<string> {
  const { projection, version, pure, events, documents, cut, firstRoot, secondRoot, asked } = check;
  const head = [
    `${projection} v${version}: ${pure ? 'pure' : 'NOT PURE'}, ${counted(documents, 'document')} of ${counted(events, 'event')} at ${cut}, folded twice`,
    `root, as a rebuild folds     ${firstRoot}`,
    `root, lanes and cuts changed ${secondRoot}`,
    `asked for                    ${asked.length === 0 ? 'nothing' : asked.join(', ')}`,
  ];
  if (check.disagreements.length === 0) return `${head.join('\n')}\n`;
  const rows = check.disagreements.map(({ id, firstVersion, secondVersion, pointers }) => [
    id,
    String(firstVersion ?? '-'),
    String(secondVersion ?? '-'),
    pointers.join(' '),
  ]);
  const table = await tableText(session, ['DOCUMENT', 'FIRST', 'SECOND', 'WHERE'], rows);
  const more = check.disagreeing - check.disagreements.length;
  return `${head.join('\n')}\n\n${table}${more > 0 ? `… and ${more} more\n` : ''}`;
}
