import { type Logger, pino } from 'pino';
import type { AnnalConfig } from './config.ts';
import type { Log } from './runtime.ts';

/** JSON lines, one fact each, to `out`; written before the call returns, so that a crash loses none. */
export const openLogger = (level: AnnalConfig['logLevel'], out: NodeJS.WritableStream): Logger =>
  pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, out);

/** The runtime's lines through a logger. */
export const sayTo =
  (logger: Logger): Log =>
  (level, what, facts) =>
    logger[level](facts, what);
