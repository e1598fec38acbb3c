import { ask } from './api.js';
import { el } from './dom.js';
import {
  copyable,
  entityLink,
  loading,
  namedRows,
  outcomeBadge,
  positionLink,
  problemView,
  when,
  who,
} from './parts.js';
import { valueView } from './values.js';
import { utc } from './words.js';

const shownApart = new Set([
  'position',
  'urn',
  'value',
  'result',
  'cut',
  'outcome',
  'reason',
  'time',
  'actor',
  'recordedBy',
]);
const times = new Set(['occurredAt']);
const labels = { to: 'holds', occurredAt: 'occurred', duplicateOf: 'repeats' };

/** One event: who, what, when, and what became of it. */
export function eventView(main, { subject: position }) {
  const aborter = new AbortController();
  const body = el('div', {}, loading());
  const title = el('h1', { tabindex: -1 }, 'Event ', el('span', { class: 'mono' }, position));
  document.title = `Event ${position} · Annal`;
  main.replaceChildren(el('header', { class: 'subject' }, title), body);
  title.focus({ preventScroll: true });

  async function load() {
    try {
      const event = await ask(`/v1/events/${encodeURIComponent(position)}`, { wait: '5s' }, aborter.signal);
      body.replaceChildren(...shown(event));
    } catch (error) {
      if (!aborter.signal.aborted) body.replaceChildren(problemView(error, load));
    }
  }
  void load();
  return () => aborter.abort();
}

function shown(event) {
  const rest = Object.entries(event).filter(([name]) => !shownApart.has(name));
  const rows = [
    ['entity', event.urn === null ? '–' : [entityLink(event.urn), el('br'), copyable(event.urn)]],
    ['outcome', [outcomeBadge(event.outcome), ' ', event.reason ?? '']],
    ['appended', [when(event.time), ' UTC']],
    ['who', who(event)],
    ...rest.map(([name, value]) => [labels[name] ?? name, fact(name, value)]),
  ];
  const card = (name, value) =>
    el(
      'section',
      { class: 'card', 'aria-label': name },
      el('header', {}, el('h2', {}, name)),
      valueView(event.aspect, value),
    );
  return [
    el('section', { class: 'card' }, namedRows(rows, `Event ${event.position}`)),
    event.value === undefined ? '' : card(event.change === 'PATCH' ? 'Patch' : 'Value', event.value),
    event.result === undefined ? '' : card('Value after it', event.result),
  ];
}

function fact(name, value) {
  if (name === 'to')
    return value === null ? 'until now' : ['until ', positionLink(value.position), ' ', when(value.time)];
  if (name === 'duplicateOf') return positionLink(value);
  if (name === 'aspect' && value === null) return 'the whole entity';
  if (times.has(name)) return `${utc(value)} UTC, by the sender's clock`;
  return typeof value === 'object' ? el('pre', {}, JSON.stringify(value, null, 2)) : String(value);
}
