import type { Run } from './session.ts';

export const run: Run = async () => 0;
