import { expect, test } from 'vitest';
import type { LogRecord } from '../../src/domain/event.ts';
import { encodeEvent, eventSchemaText } from '../../src/formats/event.ts';
import { schemaSha256 } from '../../src/formats/json-canonical.ts';
import type { TruthStore } from '../../src/ports/archive.ts';
import { schemaName } from '../../src/streams/archive-names.ts';
import { openEventDecoders } from '../../src/streams/event-decoders.ts';
import { anEvent } from '../given/events.ts';

/** A version of the event's schema that is not ours. */
const otherText = JSON.stringify({ ...(JSON.parse(eventSchemaText) as object), doc: 'of another version' });
const other = schemaSha256(otherText);

const naming = (sha256: string): LogRecord => ({
  ...{ offset: 0, appendTime: 0, key: null, value: null },
  headers: [
    [Buffer.from('annal-epoch'), Buffer.from('1')],
    [Buffer.from('annal-schema'), Buffer.from(sha256)],
  ],
});

test('whatever else was read before, a schema that the archive holds decodes; names that it does not are bounded', async () => {
  let reads = 0;
  const truth: Pick<TruthStore, 'read'> = {
    async read(name) {
      reads += 1;
      return name === schemaName(other) ? Buffer.from(otherText) : undefined;
    },
  };
  const decoders = openEventDecoders(truth as TruthStore);
  const made = Array.from({ length: 3_000 }, (_, n) => naming(n.toString(16).padStart(64, '0')));
  await decoders.ensure(made, 1);
  await decoders.ensure([naming(other)], 1);
  const event = anEvent({ n: 1 });
  expect(decoders.decode(other, encodeEvent(event))).toMatchObject({ id: event.id, urn: event.urn });
  await decoders.ensure(made.slice(-5), 1);
  await decoders.ensure([naming(other)], 1);
  expect(decoders.decode(other, encodeEvent(event))).toMatchObject({ id: event.id });
  expect(reads).toBeLessThan(3_010);
});
