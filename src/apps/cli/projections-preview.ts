import { projectionNamed } from '../../projections/registry.ts';
import { type FoldPreview, type PreviewedDocument, previewFold } from '../../streams/preview-fold.ts';
import { deniedWorld } from '../denied-world.ts';
import { projectionFrom } from '../projection-file.ts';
import { withHistory } from './archived-history.ts';
import { exitCodes } from './exit-codes.ts';
import { usage } from './failure.ts';
import { counted, tableText } from './print.ts';
import { openProgress } from './progress.ts';
import { type Options, type Run, type Session, textOf } from './session.ts';

const [limitDefault, limitMax] = ['20', 10_000];

/** Folds the archive by a file's projection beside this program's own. Ends with 6 where anything would change. */
export const run: Run = async (session, [file = ''], options) => {
  const limit = limitOf(options);
  const changed = await projectionFrom(file);
  const preview = await withHistory(session, options, async (history) => {
    const live = projectionNamed(changed.definition.projection);
    await using progress = await openProgress(session);
    const onProgress = (done: number, total: number): void => progress.show('folding', done, total);
    using world = deniedWorld();
    const asked = { live, changed, history, world, limit, onProgress, signal: session.io.signal };
    return await previewFold(asked);
  });
  await tell(session, preview);
  if (preview.equal) return exitCodes.ok;
  if (preview.needsNewVersion)
    session.note(
      `annal: ${file} makes other documents under the number of this program's fold, ${preview.liveVersion}\n` +
        `  → it needs a new version number: ${preview.liveVersion! + 1}`,
    );
  return exitCodes.differs;
};

function limitOf(options: Options): number {
  const text = textOf(options, 'limit') ?? limitDefault;
  if (!/^[0-9]{1,5}$/.test(text) || Number(text) > limitMax)
    throw usage(`--limit ${text} is no number from 0 to ${limitMax}`);
  return Number(text);
}

async function tell(session: Session, preview: FoldPreview): Promise<void> {
  const { documentsDiffering } = preview;
  if (session.output === 'json') await session.write(`${JSON.stringify(preview)}\n`);
  else if (session.output === 'ndjson')
    for (const one of documentsDiffering) await session.write(`${JSON.stringify(one)}\n`);
  else await session.write(await previewText(session, preview));
}

async function previewText(session: Session, preview: FoldPreview): Promise<string> {
  const { projection, liveVersion, version, cut, events, liveDocuments, documents } = preview;
  const { changed, appeared, vanished, declared, documentsDiffering: first } = preview;
  const { unsearchable, firstUnsearchable: lost } = preview;
  const from =
    liveVersion === null ? 'no fold of this name' : `v${liveVersion}, ${counted(liveDocuments, 'document')}`;
  const more = changed + appeared + vanished - first.length;
  const head = [
    `${projection}: ${from} → v${version}, ${counted(documents, 'document')}, of ${counted(events, 'event')} at ${cut}`,
    `${counted(changed, 'document')} would change, ${appeared.toLocaleString('en')} would appear, ${vanished.toLocaleString('en')} would vanish`,
    ...(lost === null
      ? []
      : [`${counted(unsearchable, 'document')} could not be searched, as ${lost.id}: ${lost.reason}`]),
    ...declared.map(
      ({ field, before, after }) => `search field ${field}: ${before ?? 'none'} → ${after ?? 'none'}`,
    ),
  ].join('\n');
  if (first.length === 0) return `${head}\n`;
  const table = await tableText(
    session,
    ['WHAT', 'IN', 'WHERE', 'BEFORE', 'AFTER', 'DOCUMENT'],
    first.flatMap(rowsOf),
  );
  return `${head}\n\n${table}${more > 0 ? `… and ${more.toLocaleString('en')} more\n` : ''}`;
}

function rowsOf({ id, what, fields }: PreviewedDocument): string[][] {
  if (fields.length === 0) return [[what, '', '', '', '', id]];
  return fields.map((change) => [
    ...[what, change.in, change.pointer],
    ...[change.before ?? '-', change.after ?? '-', id],
  ]);
}
