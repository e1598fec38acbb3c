import { el } from './dom.js';
import { entityLink, outcomeBadge, positionLink, table, when, who } from './parts.js';

const changes = { UPSERT: '', PATCH: 'patched ', DELETE: 'deleted ' };

const what = ({ aspect, change }) => [
  el('span', { class: 'dim' }, changes[change] ?? ''),
  el('code', {}, aspect ?? (change === undefined ? '–' : 'the entity')),
];

/** Events as a table. `ofEntity`: all are of one entity, so its name is left out. */
export function eventsTable(events, { ofEntity, extra } = {}) {
  const heads = [
    'When (UTC)',
    'Position',
    ...(ofEntity ? [] : ['Entity']),
    'What',
    'Who',
    'Outcome',
    ...(extra ? [''] : []),
  ];
  const rows = events.map((event) => [
    when(event.time),
    positionLink(event.position),
    ...(ofEntity ? [] : [event.urn === null ? '–' : entityLink(event.urn)]),
    what(event),
    who(event),
    [outcomeBadge(event.outcome), event.reason && el('span', { class: 'dim reason' }, ` ${event.reason}`)],
    ...(extra ? [extra(event)] : []),
  ]);
  return table(heads, rows, 'Events', 'events');
}
