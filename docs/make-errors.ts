import { writeFileSync } from 'node:fs';
import { errorsPage } from './errors-page.ts';

// Writes docs/errors.md anew from the table of codes: `node docs/make-errors.ts`.
writeFileSync(new URL('./errors.md', import.meta.url), errorsPage());
