import { ask } from './api.js';
import { el } from './dom.js';
import { eventsTable } from './events-table.js';
import { loading, problemView } from './parts.js';
import { hashOf } from './route.js';
import { counted, utc } from './words.js';

const pageSize = 50;
const shownMax = 1_000;
const outcomes = ['applied', 'duplicate', 'conflict', 'patch-failed', 'undecodable', 'misrouted', 'foreign'];
const filters = [
  ['urn', 'URN', 'urn:li:dataset:(…)'],
  ['aspect', 'Aspect', 'schemaMetadata'],
  ['namespace', 'Namespace', 'shop'],
  ['actor', 'Who', 'ann'],
  ['since', 'Since', '2h, 7d, 2026-03-01'],
  ['until', 'Until', '2026-03-02T09:30Z'],
];

/** The log, newest first; filters and following stand in the address. */
export function logView(main, { params }) {
  const aborter = new AbortController();
  const { signal } = aborter;
  const asked = Object.fromEntries(
    [...filters.map(([name]) => name), 'outcome'].map((name) => [name, params.get(name) ?? '']),
  );
  const following = params.get('follow') === '1';
  const show = Math.min(Math.max(Number(params.get('show')) || pageSize, 1), shownMax);
  const body = el('div', { class: 'results' }, loading(6));
  const found = el('p', { class: 'found', role: 'status' });
  document.title = 'Log · Annal';

  const inputs = filters.map(([name, label, hint]) =>
    el(
      'label',
      {},
      label,
      el('input', { name, value: asked[name], placeholder: hint, autocomplete: 'off', spellcheck: 'false' }),
    ),
  );
  const outcome = el(
    'select',
    { name: 'outcome' },
    el('option', { value: '' }, 'any outcome'),
    outcomes.map((value) => el('option', { value, selected: value === asked.outcome }, value)),
  );
  const follow = el('input', { type: 'checkbox', name: 'follow', checked: following, onchange: () => go() });
  const form = el(
    'form',
    { class: 'filters', onsubmit: (event) => go(event) },
    inputs,
    el('label', {}, 'Outcome', outcome),
    el(
      'div',
      { class: 'row' },
      el('button', { type: 'submit' }, 'Show'),
      el('label', { class: 'check' }, follow, 'Follow'),
      found,
    ),
  );
  outcome.addEventListener('change', () => go());
  main.replaceChildren(el('h1', {}, 'Log'), form, body);

  function go(event, more = {}) {
    event?.preventDefault();
    const given = Object.fromEntries(
      [...new FormData(form)].map(([name, value]) => [name, String(value).trim()]),
    );
    location.hash = hashOf('/log', { ...given, follow: follow.checked ? '1' : '', ...more });
  }

  let events = [];
  function showEvents(total) {
    found.textContent = `${counted(total, 'event')}${following ? ', following' : ''}`;
    body.replaceChildren(
      events.length === 0
        ? el('p', { class: 'notice' }, 'No event matches. An empty log is no error.')
        : eventsTable(events),
      events.length < total && show < shownMax && !following
        ? el(
            'button',
            {
              type: 'button',
              class: 'more',
              onclick: () => go(undefined, { show: Math.min(show * 4, shownMax) }),
            },
            'Show more',
          )
        : '',
    );
  }

  async function load() {
    try {
      const page = await ask('/v1/events', { ...asked, limit: show }, signal);
      events = page.items;
      showEvents(page.total);
      const { since, until } = page.range;
      if (since !== null || until !== null)
        found.textContent += `, ${since === null ? '…' : utc(since)} to ${until === null ? 'now' : utc(until)} UTC`;
      if (following && page.cut !== null) await followFrom(page.cut, page.total);
    } catch (error) {
      if (!signal.aborted) body.replaceChildren(problemView(error, load));
    }
  }

  async function followFrom(from, count) {
    let [cut, total] = [from, count];
    while (!signal.aborted) {
      const page = await ask(
        '/v1/events',
        { ...asked, until: '', after: cut, wait: '20s', limit: 200 },
        signal,
      );
      cut = page.cut;
      if (page.items.length === 0) continue;
      events = [...page.items.toReversed(), ...events].slice(0, shownMax);
      total += page.items.length;
      showEvents(total);
    }
  }

  void load();
  return () => aborter.abort();
}
