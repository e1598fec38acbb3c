import { ask } from './api.js';
import { el, link } from './dom.js';
import { eventsTable } from './events-table.js';
import { lineageView } from './lineage-view.js';
import { copyable, loading, positionLink, problemView, typeBadge, when, who } from './parts.js';
import { entityHash, hashOf } from './route.js';
import { valueView } from './values.js';
import { counted, shortName, utc } from './words.js';

const historySize = 25;
const historyMax = 1_000;

/** What is said first of an entity; what is not named follows by name. */
const order = [
  ...['datasetProperties', 'containerProperties', 'dataProductProperties', 'dataJobInfo', 'dataFlowInfo'],
  ...['schemaMetadata', 'ownership', 'globalTags', 'glossaryTerms', 'domains', 'upstreamLineage'],
];
const rank = (aspect) => (order.includes(aspect) ? order.indexOf(aspect) : order.length);

/** An entity as it is, or as it was at the moment in the address, and its history. */
export function entityView(main, { subject: urn, params }) {
  const aborter = new AbortController();
  const { signal } = aborter;
  const asOf = params.get('as-of') ?? '';
  const title = el('h1', { tabindex: -1 }, shortName(urn));
  const facts = el('p', { class: 'facts' });
  const state = el('div', {}, loading());
  const past = el('section', { class: 'card', 'aria-labelledby': 'history' }, heading(), loading(3));
  document.title = `${shortName(urn)} · Annal`;
  main.replaceChildren(
    el(
      'header',
      { class: 'subject' },
      title,
      facts,
      el('p', { class: 'urn' }, copyable(urn)),
      moment(urn, asOf),
    ),
    state,
    lineageView(urn, asOf, signal),
    past,
  );
  title.focus({ preventScroll: true });

  async function loadState() {
    try {
      const entity = await ask(pathOf(urn), { 'as-of': asOf }, signal);
      title.textContent = entity.name;
      facts.replaceChildren(...factsOf(entity));
      state.replaceChildren(entity.asOf === undefined ? '' : asOfNotice(urn, entity), ...aspects(entity));
    } catch (error) {
      if (!signal.aborted) state.replaceChildren(problem(error, loadState));
    }
  }

  async function loadHistory(limit) {
    try {
      const { items, total } = await ask(`${pathOf(urn)}/history`, { limit }, signal);
      const more = () => loadHistory(Math.min(limit * 4, historyMax));
      past.replaceChildren(...historyOf(urn, items, total, more));
    } catch (error) {
      if (signal.aborted) return;
      // Of what is not known the notice above says it all.
      if (error.status === 404) past.remove();
      else
        past.replaceChildren(
          heading(),
          problemView(error, () => loadHistory(limit)),
        );
    }
  }

  void loadState();
  void loadHistory(historySize);
  return () => aborter.abort();
}

const pathOf = (urn) => `/v1/entities/${encodeURIComponent(urn)}`;

const heading = (...more) => el('h2', { id: 'history' }, 'History', ...more);

const factsOf = ({ type, platform, namespace, position, time }) => [
  typeBadge(type),
  ...[platform, namespace].filter((part) => part !== '').map((part) => el('span', {}, part)),
  el('span', {}, 'last change ', positionLink(position), ' ', when(time)),
];

function problem(error, again) {
  const view = problemView(error, again);
  if (error.code === 'ENTITY_DELETED') view.append(el('p', {}, 'Its history below leads to what it was.'));
  return view;
}

function historyOf(urn, items, total, more) {
  const then = (event) => (leavesSomething(event) ? thenLink(urn, event.position) : '');
  return [
    heading(el('small', {}, counted(total, 'event'))),
    eventsTable(items, { ofEntity: true, extra: then }),
    items.length < Math.min(total, historyMax)
      ? el('button', { type: 'button', class: 'more', onclick: more }, 'Show more')
      : '',
    el('p', { class: 'dim' }, link(hashOf('/log', { urn }), 'Open in the log')),
  ];
}

/** Whether there is an entity to look at after an event. */
const leavesSomething = ({ outcome, aspect }) => outcome === 'applied' && aspect !== null;

const thenLink = (urn, position) =>
  el(
    'a',
    { href: entityHash(urn, { 'as-of': `@${position}` }), title: 'The entity as it was after this event' },
    'state then',
  );

/** Chooses the moment: a time in UTC. */
function moment(urn, asOf) {
  const value = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?/.exec(asOf)?.[0] ?? '';
  const input = el('input', { id: 'as-of', type: 'datetime-local', step: 1, value });
  const go = (event) => {
    event.preventDefault();
    location.hash = entityHash(urn, { 'as-of': input.value === '' ? undefined : `${input.value}Z` });
  };
  return el(
    'form',
    { class: 'row', onsubmit: go },
    el('label', { for: 'as-of' }, 'As it was at (UTC)'),
    input,
    el('button', { type: 'submit' }, 'Look back'),
    asOf !== '' && link(entityHash(urn), 'Now'),
  );
}

const asOfNotice = (urn, { asOf }) =>
  el(
    'p',
    { class: 'past', role: 'status' },
    'As it was at ',
    el('strong', { class: 'mono' }, `${utc(asOf.time)} UTC`),
    asOf.position === undefined ? '' : [', after ', positionLink(asOf.position)],
    '. ',
    link(entityHash(urn), 'See it now'),
  );

function aspects(entity) {
  const names = Object.keys(entity.aspects)
    .filter((name) => entity.aspects[name].value !== undefined)
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return names.map((name) => {
    const { event, value } = entity.aspects[name];
    return el(
      'section',
      { class: 'card', 'aria-label': name },
      el(
        'header',
        {},
        el('h2', {}, name),
        el('p', { class: 'dim' }, positionLink(event.position), ' ', when(event.time), ' by ', who(event)),
      ),
      valueView(name, value),
    );
  });
}
