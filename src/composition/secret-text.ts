import { secretIn } from '../adapters/system/secret-file.ts';
import type { Secret } from './settings.ts';

/** The secret as it stands now. */
export const secretText = (secret: Secret): string =>
  'value' in secret ? secret.value : secretIn(secret.file);
