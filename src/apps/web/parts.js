import { keepToken } from './api.js';
import { copyButton, el, link } from './dom.js';
import { entityHash, eventHash } from './route.js';
import { shortName, utc } from './words.js';

/** A time to the millisecond, in UTC. */
export const when = (time) =>
  el('time', { datetime: new Date(time).toISOString(), title: `${utc(time)} UTC`, class: 'mono' }, utc(time));

export const positionLink = (position) =>
  el('a', { href: eventHash(position), class: 'mono', title: 'Show this event' }, position);

export const entityLink = (urn, name = shortName(urn)) =>
  el('a', { href: entityHash(urn), title: urn }, name);

const good = new Set(['applied']);
const odd = new Set(['duplicate', 'conflict']);

export const outcomeBadge = (outcome) =>
  el('span', { class: `badge ${good.has(outcome) ? 'good' : odd.has(outcome) ? 'odd' : 'bad'}` }, outcome);

export const typeBadge = (type) => el('span', { class: 'badge' }, type);

/** Who: whom the event names, and who was authenticated where that is somebody else. */
export function who({ actor, recordedBy }) {
  if (actor === undefined) return recordedBy ?? '';
  return [el('span', { title: actor }, shortName(actor)), el('span', { class: 'dim' }, ` via ${recordedBy}`)];
}

/** What went wrong, what to do, and a way to try again. */
export function problemView(problem, again) {
  if (problem.status === 401) return signIn(again);
  const near = Array.isArray(problem.facts?.near) ? problem.facts.near : [];
  return el(
    'section',
    { class: 'notice', role: 'alert' },
    el('h2', {}, problem.message ?? String(problem)),
    problem.doThis && el('p', {}, problem.doThis),
    near.length > 0 && [
      el('p', {}, 'Did you mean'),
      el(
        'ul',
        {},
        near.map((urn) => el('li', {}, link(entityHash(urn), urn))),
      ),
    ],
    el(
      'p',
      { class: 'actions' },
      el('button', { type: 'button', onclick: again }, 'Try again'),
      problem.code && el('a', { href: `/errors#${problem.code}` }, problem.code),
    ),
  );
}

function signIn(again) {
  const input = el('input', { type: 'password', id: 'token', autocomplete: 'off', required: true });
  const submit = (event) => {
    event.preventDefault();
    keepToken(input.value.trim());
    again();
  };
  return el(
    'section',
    { class: 'notice' },
    el('h2', {}, 'Who are you?'),
    el('p', {}, 'This server asks for a token. It is kept for this tab only.'),
    el(
      'form',
      { class: 'row', onsubmit: submit },
      el('label', { for: 'token' }, 'Token'),
      input,
      el('button', { type: 'submit' }, 'Go on'),
    ),
  );
}

/** Lines that stand for what is on its way. */
export const loading = (lines = 4) =>
  el(
    'div',
    { class: 'loading', role: 'status', 'aria-label': 'Loading' },
    Array.from({ length: lines }, () => el('div', { class: 'line' })),
  );

/** A table with a row of heads; cells may be nodes. */
export const table = (heads, rows, caption, kind) =>
  el(
    'div',
    { class: 'wide', tabindex: 0, role: 'region', 'aria-label': caption },
    el(
      'table',
      { class: kind },
      el('caption', { class: 'hidden' }, caption),
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          heads.map((head) => el('th', { scope: 'col' }, head)),
        ),
      ),
      el(
        'tbody',
        {},
        rows.map((cells) =>
          el(
            'tr',
            {},
            cells.map((cell) => el('td', {}, cell ?? '')),
          ),
        ),
      ),
    ),
  );

/** Names and what they stand for. */
export const namedRows = (rows, caption) =>
  el(
    'div',
    { class: 'wide', tabindex: 0, role: 'region', 'aria-label': caption },
    el(
      'table',
      { class: 'named' },
      el('caption', { class: 'hidden' }, caption),
      el(
        'tbody',
        {},
        rows.map(([name, cell]) => el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, cell ?? ''))),
      ),
    ),
  );

export const copyable = (text) =>
  el('span', { class: 'copyable' }, el('code', {}, text), ' ', copyButton(text));
