import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Disk, nodeDisk } from '../file-log/disk.ts';

const atOnceMax = 256 * 1024;
const readAside = promisify(read);

/**
 * The file system for a thread that has nothing else to do than to read: files are opened and closed in it, and 256 KiB or less
 * are read in it too. Handing that to Node's pool of threads costs three times as much for each small file. What is larger is
 * read aside, while the thread works on what it has.
 */
export const promptDisk: Disk = {
  ...nodeDisk,
  async open(path, mode) {
    if (mode !== 'read') return nodeDisk.open(path, mode);
    const file = openSync(path, constants.O_RDONLY);
    const only = (): Promise<never> => Promise.reject(new TypeError(`${path} is open for reading`));
    return {
      async read(at, length) {
        const bytes = Buffer.allocUnsafeSlow(length);
        let filled = 0;
        while (filled < length) {
          const rest = length - filled;
          const read =
            rest <= atOnceMax
              ? readSync(file, bytes, filled, rest, at + filled)
              : (await readAside(file, bytes, filled, rest, at + filled)).bytesRead;
          if (read === 0) break;
          filled += read;
        }
        return bytes.subarray(0, filled);
      },
      size: async () => fstatSync(file).size,
      write: only,
      sync: only,
      truncate: only,
      [Symbol.asyncDispose]: async () => closeSync(file),
    };
  },
};
