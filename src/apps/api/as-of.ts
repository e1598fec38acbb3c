import { Fault } from '../../domain/fault.ts';
import { type Position, parsePosition, versionOf } from '../../domain/position.ts';
import { partitionOf } from '../../formats/partition.ts';
import type { IsExact } from '../../projections/lineage-queries.ts';
import { asOfQuery, type Moment, type Readable } from '../../projections/queries.ts';
import type { Annal } from '../annal.ts';
import { type Member, membersOf, textOf } from './answer.ts';
import { object } from './json-object.ts';
import { reading } from './reading.ts';

const ofTheChange = new Set([
  ...['urn', 'type', 'aspect', 'outcome', 'reason', 'duplicateOf', 'to'],
  ...['value', 'valueBytes', 'result', 'resultBytes'],
]);

interface ValidAspect {
  readonly aspect: string;
  readonly members: ReadonlyMap<string, string>;
  readonly position: Position;
}

/**
 * What was valid of an entity at a moment, as members like those of its document today: each aspect with the event that
 * made it so and the value after it, as stored. Undefined where nothing was.
 */
export async function entityAsOf(
  annal: Annal,
  urn: string,
  moment: Moment,
  readable: Readable,
): Promise<Member[] | undefined> {
  const partition = partitionOf(urn, partitionsAt(annal, moment));
  const page = await reading(annal, 'history', (index) =>
    index.query(asOfQuery(urn, partition, moment, readable)),
  );
  const valid = page.hits.map(({ body }) => validAspect(body));
  const last = valid.reduce<ValidAspect | undefined>(
    (newest, aspect) =>
      newest === undefined || versionOf(aspect.position) > versionOf(newest.position) ? aspect : newest,
    undefined,
  );
  if (last === undefined) return undefined;
  const told = (name: string): Member => [name, last.members.get(name) ?? 'null'];
  return [
    ['urn', JSON.stringify(urn)],
    told('type'),
    told('namespace'),
    ['deleted', 'false'],
    told('position'),
    told('time'),
    ['changed', last.members.get('position') ?? 'null'],
    ['aspects', object(valid.map(({ aspect, members }) => [aspect, headText(members)]))],
  ];
}

/** For which URNs a moment is exact: of a position, those of its partition. */
export function exactAt(annal: Annal, moment: Moment | undefined): IsExact {
  if (moment === undefined || !('position' in moment)) return () => false;
  const partitions = partitionsAt(annal, moment);
  const { partition } = moment.position;
  return (urn) => partitionOf(urn, partitions) === partition;
}

function partitionsAt(annal: Annal, moment: Moment): number {
  const asked = 'position' in moment ? moment.position.epoch : undefined;
  const epoch = annal.epochs.find((known) => known.epoch === asked) ?? annal.epochs.at(-1);
  if (epoch === undefined) throw new Fault('EPOCH_INVALID', { reason: 'the log has no epoch' });
  return epoch.partitions;
}

function validAspect(body: Buffer): ValidAspect {
  const members = membersOf(body);
  const aspect = textOf(members, 'aspect');
  const position = parsePosition(textOf(members, 'position') ?? '');
  if (aspect === undefined || position === undefined)
    throw new Fault('MODEL_CORRUPT', { reason: 'an applied event without aspect or position' });
  return { aspect, members, position };
}

/** An aspect as `entities` shows it: its event's facts, the patch that was sent, the value after it. */
function headText(members: ReadonlyMap<string, string>): string {
  const facts = [...members].filter(([name]) => !ofTheChange.has(name));
  const given = (from: string, as: string): Member[] =>
    ['', 'Bytes'].flatMap((bytes): Member[] => {
      const text = members.get(`${from}${bytes}`);
      return text === undefined ? [] : [[`${as}${bytes}`, text]];
    });
  const patched = members.has('result');
  return object([
    ['event', object(facts)],
    ...(patched ? given('value', 'patch') : []),
    ...given(patched ? 'result' : 'value', 'value'),
  ]);
}
