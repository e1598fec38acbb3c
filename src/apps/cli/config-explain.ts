import { exitCodes } from './exit-codes.ts';
import { painted, tableText } from './print.ts';
import type { Run } from './session.ts';

/** Every setting with its value and source. With faults among them it shows them all the same, and ends with 2. */
export const run: Run = async (session) => {
  const { explainConfig } = await import('../config.ts');
  const { settings, faults } = explainConfig(session.io.env, { data: session.data });
  if (session.output === 'json') await session.write(`${JSON.stringify({ items: settings, faults })}\n`);
  else if (session.output === 'ndjson')
    for (const setting of settings) await session.write(`${JSON.stringify(setting)}\n`);
  else
    await session.write(
      await tableText(
        session,
        ['SETTING', 'VALUE', 'SOURCE', 'ABOUT'],
        settings.map(({ variable, flag, value, source, about }) => [
          flag === undefined ? variable : `${variable}, ${flag}`,
          value ?? '-',
          source,
          about,
        ]),
      ),
    );
  for (const { at, what } of faults)
    session.io.stderr.write(`annal: CONFIG_INVALID: ${painted(session, 'red', at)} ${what}\n`);
  return faults.length === 0 ? exitCodes.ok : exitCodes.usage;
};
