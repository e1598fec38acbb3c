// A plugin that does one thing wrong, as its first word says. Plain JavaScript and HTTP, as somebody might write it.
import { randomUUID } from 'node:crypto';

const [, , wrong] = process.argv;
const { ANNAL_URL } = process.env;
const urn = (name) => `urn:li:dataset:(urn:li:dataPlatform:bad,bad.${name},PROD)`;
const change = (name, value) => ({
  id: randomUUID(),
  urn: urn(name),
  aspect: 'datasetProperties',
  value: { name: value },
});
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

process.on('SIGTERM', () => {
  if (wrong !== 'deaf') process.exit(wrong === 'fails-to-stop' ? 3 : 0);
});

/** Tries until it is taken, but for what it does wrong. */
async function send(changes) {
  let outgoing = changes;
  for (;;) {
    if (wrong === 'liar') process.stdout.write(`MCE Published ${urn('a')} log:1-0-999999\n`);
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', headers, body: JSON.stringify(outgoing) };
    // Nobody answered: that is one of the things to be wrong about.
    const answer = await fetch(`${ANNAL_URL}/v1/events`, request).catch(() => undefined);
    if (answer?.status === 200) {
      const { results } = await answer.json();
      const open = outgoing.filter((_, at) => results[at].status !== 'appended');
      if (wrong === 'overtakes' && open.length > 0) await send([change('a', 'later'), change('b', 'x')]);
      if (open.length === 0) return;
      outgoing = open;
      await rest(1_100);
      continue;
    }
    if (wrong === 'dies') process.exit(1);
    if (wrong === 'gives-up') return;
    if (wrong === 'new-ids') outgoing = outgoing.map((one) => ({ ...one, id: randomUUID() }));
    await rest(wrong === 'impatient' ? 50 : 1_100);
  }
}

await send([change('a', wrong === 'forgetful' ? 'always' : randomUUID()), change('b', 'b')]);
if (wrong === 'refused') await send([{ ...change('a', 'x'), aspect: 'madeUp' }]);
for (;;) await rest(1_000);
