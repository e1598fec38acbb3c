import { decodeAvro } from '../../../src/formats/avro-schema.ts';
import { unframe } from '../../../src/formats/framing.ts';
import { datahub } from '../../../src/intake/translate/datahub.ts';
import { datahubTechnicalAspects } from '../../../src/intake/translate/datahub-aspects.ts';
import { readIngestProposals } from '../../../src/intake/translate/datahub-json.ts';
import { proposalOf, proposalSchema, sdkRequests } from '../../given/datahub.ts';
import { alternating, medianRatio, perSecond } from '../measure.ts';
import type { Row } from '../row.ts';

const target = '≥ 30,000/s';

/** As the SDK wrote them: small ones and a schema, which has some 600 bytes. */
const payloads = ['upsert of datasetProperties', 'upsert of ownership', 'upsert of schemaMetadata'].map(
  (name) => unframe(proposalOf(name).value),
);

function secondsOf(work: () => void): number {
  const from = performance.now();
  work();
  return (performance.now() - from) / 1_000;
}

/** Records of the topic, unframed, until they are events. */
function fromTopic(count: number): number {
  const dialect = datahub();
  const place = { source: 'bench', topic: 'MetadataChangeProposal_v1', partition: 0, appendTime: 1 };
  return secondsOf(() => {
    for (let offset = 0; offset < count; offset += 1)
      dialect.translate(proposalSchema, payloads[offset % payloads.length]!, { ...place, offset });
  });
}

/** Bodies of the REST sink with 100 proposals each, as bytes, until they are events. */
function fromBodies(count: number): number {
  const perBody = 100;
  const one = JSON.parse(sdkRequests('restli one')[0]!.body!) as { readonly proposal: object };
  const body = Buffer.from(JSON.stringify({ proposals: new Array(perBody).fill(one.proposal) }));
  return secondsOf(() => {
    for (let done = 0; done < count; done += perBody) readIngestProposals(body, datahubTechnicalAspects);
  });
}

const decodedAlone = (count: number): number =>
  secondsOf(() => {
    for (let done = 0; done < count; done += 1) decodeAvro(proposalSchema, payloads[done % payloads.length]!);
  });

export const datahubRow: Row = {
  name: 'datahub',
  about: 'proposals of DataHub as the SDK writes them, translated to events, in one thread',
  async run({ quick, rounds }) {
    const count = quick ? 2_000 : 100_000;
    const rate = (work: (count: number) => number) => async () => count / work(count);
    fromTopic(count / 10);
    fromBodies(count / 10);
    const { a: topic, b: decoded } = await alternating(rounds, rate(fromTopic), rate(decodedAlone));
    const { a: bodies } = await alternating(rounds, rate(fromBodies), async () => 0);
    return [
      {
        what: 'proposals of a topic',
        measured: perSecond(topic),
        beside: `their Avro alone ${perSecond(decoded)}`,
        ratio: medianRatio(topic, decoded),
        target,
      },
      { what: 'proposals of REST bodies', measured: perSecond(bodies), target },
    ];
  },
};
