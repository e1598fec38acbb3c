/** One file of a partition as retention sees it. */
export interface KeptFile {
  readonly first: number;
  /** Exclusive end. */
  readonly next: number;
  readonly bytes: number;
  /** UTC milliseconds: no record in it was appended later. */
  readonly until: number;
}

export interface Retention {
  /** Files younger than this stay while the log is small. */
  readonly ageMsMax: number;
  /** Above this size of the whole log the oldest files go, however young. */
  readonly logBytesMax: number;
}

export const retentionDefault: Retention = {
  ageMsMax: 7 * 24 * 3_600_000,
  logBytesMax: 1024 * 1024 * 1024,
};

/**
 * Per partition the offset before which whole files may go: their records are in segments (`archivedTo`,
 * exclusive end per partition), and they are older than `ageMsMax` or the log is larger than `logBytesMax`. A
 * partition's last file with records always stays, and so does everything of a partition that `archivedTo`
 * does not name.
 */
export function retirable(
  partitions: readonly (readonly KeptFile[])[],
  { archivedTo, now }: { readonly archivedTo: readonly number[]; readonly now: number },
  { ageMsMax, logBytesMax }: Retention = retentionDefault,
): number[] {
  let logBytes = 0;
  for (const files of partitions) for (const { bytes } of files) logBytes += bytes;
  const candidates = partitions.flatMap((files, partition) => {
    const last = files.findLastIndex(({ bytes }) => bytes > 0);
    return files
      .filter(({ next }, i) => i < last && next <= (archivedTo[partition] ?? 0))
      .map((file) => ({ partition, file }));
  });
  // Times ascend within a partition, so its files go from the front; the sort keeps the order of equal times.
  candidates.sort((a, b) => a.file.until - b.file.until);
  const before = partitions.map((files) => files[0]?.first ?? 0);
  for (const { partition, file } of candidates) {
    if (now - file.until <= ageMsMax && logBytes <= logBytesMax) continue;
    before[partition] = file.next;
    logBytes -= file.bytes;
  }
  return before;
}
