import type { TreeEntry } from '../../ports/file-tree.ts';
import type { TableFile, TableRefusal } from '../../ports/table-reader.ts';

/** A version that stands whole in one or several files. */
export interface DeltaCheckpoint {
  readonly version: number;
  /** Names in the log's folder, in order. */
  readonly files: readonly string[];
}

/** What has to be read of a log, by the names in its folder. */
export interface DeltaPlan {
  readonly version: number;
  readonly checkpoint: DeltaCheckpoint | undefined;
  /** Names of the commits behind the checkpoint, the newest first. */
  readonly commits: readonly string[];
}

/** A line of a commit, as JSON has it. */
export type DeltaAction = Readonly<Record<string, unknown>>;

const commitsMax = 1_000;
const lineBytesMax = 8 * 1024 * 1024;
const commitBytesMax = 256 * 1024 * 1024;
const chunkBytes = 1024 * 1024;

const versioned = /^[0-9]{20}\./;
const commitName = /^([0-9]{20})\.json$/;
const checkpointName =
  /^([0-9]{20})\.checkpoint\.(?:([0-9]{10})\.([0-9]{10})\.|[0-9a-f-]{36}\.)?(parquet|json)$/;

const malformed = (reason: string): TableRefusal => ({ refused: 'FILE_MALFORMED', reason });

function checkpointsOf(names: readonly string[]): DeltaCheckpoint[] {
  const whole: DeltaCheckpoint[] = [];
  const parts = new Map<string, { version: number; total: number; files: Map<number, string> }>();
  for (const name of names) {
    const [, version, part, total] = checkpointName.exec(name) ?? [];
    if (version === undefined) continue;
    if (part === undefined) whole.push({ version: Number(version), files: [name] });
    else {
      const key = `${version} ${total}`;
      const found = parts.get(key) ?? { version: Number(version), total: Number(total), files: new Map() };
      found.files.set(Number(part), name);
      parts.set(key, found);
    }
  }
  for (const { version, total, files } of parts.values())
    if (files.size === total)
      whole.push({ version, files: [...files].sort(([a], [b]) => a - b).map(([, name]) => name) });
  return whole;
}

/**
 * The newest version that the names of a log's folder tell, and what is needed to know it: the newest whole checkpoint and each
 * commit behind it.
 */
export function planDelta(entries: readonly TreeEntry[]): DeltaPlan | TableRefusal {
  const names = entries.filter(({ kind }) => kind === 'file').map(({ name }) => name);
  const beyond = names.find(
    (name) => versioned.test(name) && !Number.isSafeInteger(Number(name.slice(0, 20))),
  );
  if (beyond !== undefined) return malformed(`its log names version ${beyond.slice(0, 20)}`);
  const commits = new Map<number, string>();
  for (const name of names) {
    const version = commitName.exec(name)?.[1];
    if (version !== undefined) commits.set(Number(version), name);
  }
  const checkpoint = checkpointsOf(names).reduce<DeltaCheckpoint | undefined>(
    (newest, each) => (newest === undefined || each.version > newest.version ? each : newest),
    undefined,
  );
  const from = checkpoint === undefined ? 0 : checkpoint.version + 1;
  const version = [...commits.keys()].reduce((a, b) => Math.max(a, b), from - 1);
  if (version < 0) return { refused: 'FILE_EMPTY', reason: 'its log holds no commit' };
  if (version - from >= commitsMax)
    return { refused: 'FILE_TOO_COMPLEX', reason: `more than ${commitsMax} commits behind its checkpoint` };
  const wanted: string[] = [];
  for (let at = version; at >= from; at -= 1) {
    const name = commits.get(at);
    if (name === undefined) return malformed(`its log lacks commit ${at}`);
    wanted.push(name);
  }
  return { version, checkpoint, commits: wanted };
}

/**
 * The actions of a commit, a line each, in order: a range at a time. Ends with a refusal where a line is no JSON object or a
 * bound is met.
 */
export async function* actionsOf(
  file: TableFile,
): AsyncGenerator<{ readonly action: DeltaAction } | { readonly refusal: TableRefusal }> {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  if (file.bytes > commitBytesMax) {
    yield { refusal: { refused: 'FILE_TOO_COMPLEX', reason: `${name} has ${file.bytes} bytes` } };
    return;
  }
  let rest = Buffer.alloc(0);
  for (let at = 0; at < file.bytes || rest.length > 0; ) {
    const read =
      at < file.bytes ? await file.read(at, Math.min(chunkBytes, file.bytes - at)) : new Uint8Array(0);
    at = read.length === 0 ? file.bytes : at + read.length;
    const bytes = Buffer.concat([rest, read]);
    const end = at >= file.bytes ? bytes.length : bytes.lastIndexOf(0x0a) + 1;
    rest = bytes.subarray(end);
    if (rest.length > lineBytesMax) {
      const reason = `${name} has a line of more than ${lineBytesMax} bytes`;
      yield { refusal: { refused: 'FILE_TOO_COMPLEX', reason } };
      return;
    }
    for (const line of bytes.toString('utf8', 0, end).split('\n')) {
      if (line.trim() === '') continue;
      const action = objectIn(line);
      if (action === undefined) {
        yield { refusal: malformed(`${name} holds a line that is no JSON object`) };
        return;
      }
      yield { action };
    }
  }
}

function objectIn(line: string): DeltaAction | undefined {
  try {
    const json: unknown = JSON.parse(line);
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
