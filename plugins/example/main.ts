import { placeText } from '../../src/client/change.ts';
import { runPlugin } from '../../src/client/run-plugin.ts';

const urn = 'urn:li:dataset:(urn:li:dataPlatform:example,example.heartbeat,PROD)';

// One change a second, for as long as it runs; after each acknowledgement, and only then, a line that names its position.
await runPlugin(
  {
    name: 'example',
    version: '1.0.0',
    async work({ publish, rest, signal }) {
      while (!signal.aborted) {
        const customProperties = { beat: new Date().toISOString() };
        await publish({ urn, aspect: 'datasetProperties', value: { name: 'heartbeat', customProperties } });
        await rest(1_000);
      }
    },
    onPublished: (published, { say }) => say(`MCE Published ${published.urn} ${placeText(published.place)}`),
  },
  process,
);
