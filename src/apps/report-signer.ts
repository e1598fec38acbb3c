import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NoteSigner } from '../formats/note-key.ts';
import type { AnnalConfig } from './config.ts';
import { keyFile, readKey } from './signing-key.ts';

/** Who signs what a command reports: the configured key, or the data folder's, which is not made for it. Throws `KEY_INVALID`. */
export function reportSigner({ signingKeyFile, dataDir }: AnnalConfig): NoteSigner | undefined {
  if (signingKeyFile !== undefined) return readKey(signingKeyFile);
  const own = join(dataDir, keyFile);
  return existsSync(own) ? readKey(own) : undefined;
}
