import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loggedAt } from '../../given/logged.ts';
import { publishedIn } from '../../given/plugin-process.ts';
import { type ServedFolder, servedFolder } from '../../given/served-folder.ts';
import { pythonWithSdk } from '../datahub/sdk.ts';
import { forgetSubject } from '../heard.ts';
import { onPath, runToEnd } from '../native/commands.ts';
import { asAdmin, newName, scenarioServers } from './own-profile.ts';

const file = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const waitMs = 60_000;

let served: ServedFolder;
beforeAll(async () => {
  served = await servedFolder();
});
afterAll(() => served[Symbol.asyncDispose]());

/** The one change that it says it published stands in the log. */
async function toldAndThere(output: string, urn: string): Promise<void> {
  const [told] = publishedIn(output);
  const [event] = await loggedAt(served.address, [urn], ({ length }) => length > 0);
  expect(told).toEqual({ urn, place: `log:${event!.position}` });
  expect(event).toMatchObject({ outcome: 'applied' });
}

test('the producer in Python publishes over HTTP, with nothing but Python', async () => {
  const python = onPath('python3');
  if (python === undefined) throw new Error('python3 is needed for the sample producers');
  const env = { ANNAL_URL: served.address };
  const output = await runToEnd(python, [file('samples/producers/python/over_http.py')], { env, waitMs });
  await toldAndThere(output, 'urn:li:dataset:(urn:li:dataPlatform:python,samples.weather,PROD)');
});

test('the producer in Python publishes to the inbox topic, by a schema of the registry', async () => {
  const python = await pythonWithSdk();
  const { kafkaBrokers, schemaRegistryUrl } = scenarioServers();
  const topic = `${newName()}.inbox`;
  await asAdmin({ kafkaBrokers }, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }));
  try {
    const env = {
      ...{ CONNECTION_STRING: kafkaBrokers.join(','), EVENTHUB: topic },
      SCHEMA_REGISTRY_URL: schemaRegistryUrl,
    };
    const words = ['samples/producers/python/over_kafka.py', 'schemas/events/MetadataChangeEvent.avsc'];
    const output = await runToEnd(python, words.map(file), { env, waitMs });
    const urn = 'urn:li:dataset:(urn:li:dataPlatform:python,samples.tides,PROD)';
    expect(publishedIn(output)).toEqual([{ urn, place: 'inbox:0-0' }]);
  } finally {
    await asAdmin({ kafkaBrokers }, (admin) => admin.deleteTopics({ topics: [topic] }));
    await forgetSubject(schemaRegistryUrl, `${topic}-value`);
  }
});

test('the producer in .NET publishes over HTTP', { timeout: 600_000 }, async (context) => {
  const dotnet = onPath('dotnet');
  if (dotnet === undefined) return context.skip('there is no dotnet here: the sample in .NET was NOT run');
  const env = { ANNAL_URL: served.address, DOTNET_CLI_TELEMETRY_OPTOUT: '1' };
  const words = ['run', '--project', file('samples/producers/dotnet')];
  const output = await runToEnd(dotnet, words, { env, waitMs: 300_000 });
  await toldAndThere(output, 'urn:li:dataset:(urn:li:dataPlatform:dotnet,samples.stations,PROD)');
});
