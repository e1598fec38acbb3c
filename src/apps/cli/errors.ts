import { type FaultCode, faults } from '../../domain/fault.ts';
import { nearest } from '../../intake/nearest.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { painted, tableText } from './print.ts';
import type { Run } from './session.ts';

const remedies = {
  refuse: 'what was given has to change',
  quarantine: 'archived bytes are at fault; the rest goes on',
  retry: 'it may pass by itself; trying again is safe',
  halt: 'going on would lose or corrupt something',
} as const;

/** Explains one code, or lists them. */
export const run: Run = async (session, [asked]) => {
  const codes = Object.keys(faults) as FaultCode[];
  const items = codes.map((code) => ({ code, ...faults[code] }));
  const shown = asked === undefined ? items : items.filter(({ code }) => code === asked.toUpperCase());
  if (asked !== undefined && shown.length === 0) {
    const near = nearest(asked.toUpperCase(), codes);
    throw new Failure(
      {
        code: 'USAGE_INVALID',
        detail: `${JSON.stringify(asked)} is no error code`,
        doThis: near === undefined ? '`annal errors` lists them all.' : `Did you mean ${near}?`,
      },
      exitCodes.notFound,
    );
  }
  if (session.output === 'json')
    await session.write(`${JSON.stringify(asked === undefined ? { items: shown } : shown[0])}\n`);
  else if (session.output === 'ndjson')
    for (const item of shown) await session.write(`${JSON.stringify(item)}\n`);
  else if (asked === undefined)
    await session.write(
      await tableText(
        session,
        ['CODE', 'KIND', 'WHAT HAPPENED'],
        shown.map(({ code, remedy, about }) => [code, remedy, about]),
      ),
    );
  else
    for (const { code, remedy, about, doThis } of shown)
      await session.write(
        `${painted(session, 'bold', code)}: ${about}\n  → ${doThis}\n  ${remedy}: ${remedies[remedy]}\n`,
      );
  return exitCodes.ok;
};
