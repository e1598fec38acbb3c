import { ask } from './api.js';
import { command, el } from './dom.js';
import { loading, problemView, typeBadge } from './parts.js';
import { entityHash, hashOf, replaceHash } from './route.js';
import { counted, shortName, utc } from './words.js';

const pageSize = 25;
const shownMax = 1_000;
const debounceMs = 120;

/** Search as you type; the words, the filters and how much is shown stand in the address. */
export function searchView(main, { params }) {
  let aborter = new AbortController();
  let timer;
  const show = Number(params.get('show') ?? pageSize);
  const state = {
    q: params.get('q') ?? '',
    type: params.get('type') ?? '',
    namespace: params.get('namespace') ?? '',
    show: Number.isInteger(show) && show > 0 ? Math.min(show, shownMax) : pageSize,
  };

  const input = el('input', {
    id: 'q',
    type: 'search',
    value: state.q,
    placeholder: 'Search datasets, columns, owners, jobs …',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': 'found',
    oninput: () => {
      state.q = input.value;
      changed(debounceMs);
    },
  });
  const choose = (name) => (event) => {
    state[name] = event.target.value;
    changed(0);
  };
  const type = el('select', { id: 'type', onchange: choose('type') });
  const namespace = el('select', { id: 'namespace', onchange: choose('namespace') });
  const found = el('p', { class: 'found', id: 'found', role: 'status' });
  const results = el('div', { class: 'results' }, loading());

  main.replaceChildren(
    el('h1', { class: 'hidden' }, 'Search'),
    el(
      'search',
      { class: 'searchbox' },
      el('label', { for: 'q', class: 'hidden' }, 'Words'),
      input,
      el(
        'div',
        { class: 'row' },
        el('label', { for: 'type' }, 'Type'),
        type,
        el('label', { for: 'namespace' }, 'Namespace'),
        namespace,
        found,
      ),
    ),
    results,
  );

  function changed(afterMs) {
    state.show = pageSize;
    follow(afterMs);
  }

  function follow(afterMs) {
    const { show, ...words } = state;
    replaceHash(hashOf('/', { ...words, show: show === pageSize ? undefined : show }));
    clearTimeout(timer);
    timer = setTimeout(load, afterMs);
  }

  async function load() {
    aborter.abort();
    aborter = new AbortController();
    const { signal } = aborter;
    const { show, ...words } = state;
    results.setAttribute('aria-busy', 'true');
    try {
      const [page, facets] = await Promise.all([
        ask('/v1/search', { ...words, limit: show }, signal),
        ask('/v1/facets', words, signal),
      ]);
      options(type, 'any type', facets.types, state.type);
      options(namespace, 'any namespace', facets.namespaces, state.namespace);
      document.title = state.q === '' ? 'Annal' : `${state.q} · Annal`;
      showPage(page);
    } catch (error) {
      if (signal.aborted) return;
      found.textContent = '';
      results.replaceChildren(problemView(error, load));
    }
    results.removeAttribute('aria-busy');
  }

  function showPage({ items, total }) {
    const asked = state.q !== '' || state.type !== '' || state.namespace !== '';
    found.textContent = total === 0 && !asked ? '' : counted(total, 'entity', 'entities');
    if (total === 0) {
      results.replaceChildren(asked ? nothingFound(state, clear) : nothingYet());
      return;
    }
    const more = () => {
      state.show = Math.min(state.show + 4 * pageSize, shownMax);
      follow(0);
    };
    results.replaceChildren(
      el('ol', { class: 'hits' }, items.map(hit)),
      items.length < total && state.show < shownMax
        ? el(
            'button',
            { type: 'button', class: 'more', onclick: more },
            `Show more (${counted(total - items.length, 'is', 'are')} left)`,
          )
        : '',
    );
  }

  function clear() {
    Object.assign(state, { q: '', type: '', namespace: '' });
    input.value = '';
    changed(0);
    input.focus();
  }

  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || input.value === '') return;
    event.preventDefault();
    clear();
  });
  if (matchMedia('(hover: hover)').matches) input.focus();
  void load();
  return () => {
    clearTimeout(timer);
    aborter.abort();
  };
}

/** The values there are, each with how many it would find. */
function options(select, any, values, chosen) {
  const known =
    values.some(({ value }) => value === chosen) || chosen === ''
      ? values
      : [{ value: chosen, total: 0 }, ...values];
  select.replaceChildren(
    el('option', { value: '' }, any),
    ...known.map(({ value, total }) =>
      el('option', { value, selected: value === chosen }, `${value} (${total.toLocaleString('en')})`),
    ),
  );
}

const hit = ({ urn, type, name, namespace, platform, description, owners, position, updatedAt }) =>
  el(
    'li',
    {},
    el(
      'a',
      { href: entityHash(urn), class: 'hit', title: urn },
      el('span', { class: 'name' }, name),
      typeBadge(type),
      el('span', { class: 'where' }, [platform, namespace].filter((part) => part !== '').join(' · ')),
      el('span', { class: 'about' }, description ?? urn),
      el(
        'span',
        { class: 'facts' },
        owners.length > 0 && el('span', {}, owners.slice(0, 2).map(shortName).join(', ')),
        el('span', { class: 'mono' }, position),
        el('time', { datetime: updatedAt, class: 'mono' }, utc(updatedAt).slice(0, 16)),
      ),
    ),
  );

const nothingFound = ({ q }, clear) =>
  el(
    'section',
    { class: 'notice' },
    el('h2', {}, 'Nothing found'),
    el(
      'p',
      {},
      q === ''
        ? 'No entity is of this type and namespace.'
        : 'No entity holds all of these words. The last word may be the beginning of one, the others are whole.',
    ),
    el('p', { class: 'actions' }, el('button', { type: 'button', onclick: clear }, 'Clear the search')),
  );

const nothingYet = () =>
  el(
    'section',
    { class: 'notice' },
    el('h2', {}, 'Nothing is known yet'),
    el('p', {}, 'Scan a folder of Parquet, Delta, Avro, CSV, JSON or NDJSON files:'),
    command('npx annal scan samples/datalake'),
    el('p', {}, 'or publish events, one JSON object a line:'),
    command('npx annal publish events.ndjson'),
  );
