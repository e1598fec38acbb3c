import { el, link } from './dom.js';
import { entityView } from './entity-view.js';
import { eventView } from './event-view.js';
import { showFreshness } from './freshness.js';
import { logView } from './log-view.js';
import { hashOf, readRoute } from './route.js';
import { searchView } from './search-view.js';

const views = { search: searchView, entity: entityView, event: eventView, log: logView };

const main = document.getElementById('main');
let leave = () => undefined;
let lastSearch = '#/';

function show() {
  const route = readRoute();
  leave();
  if (route.view === 'search') lastSearch = location.hash || '#/';
  for (const anchor of document.querySelectorAll('nav a'))
    if (anchor.dataset.view === route.view) anchor.setAttribute('aria-current', 'page');
    else anchor.removeAttribute('aria-current');
  const view = Object.hasOwn(views, route.view) ? views[route.view] : nowhere;
  leave = view(main, route) ?? (() => undefined);
  if (route.view !== 'search') window.scrollTo(0, 0);
}

function nowhere(place) {
  place.replaceChildren(
    el(
      'section',
      { class: 'notice' },
      el('h1', {}, 'There is nothing here'),
      el('p', {}, link('#/', 'Search')),
    ),
  );
}

const writes = (target) => target.matches?.('input, select, textarea') ?? false;

/** `/` to the search, arrows through the hits, Esc back to the search that led here. */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { key, target } = event;
  if (key === '/' && !writes(target)) {
    event.preventDefault();
    toSearch();
  } else if (key === 'Escape' && readRoute().view !== 'search') {
    rememberSearch();
    location.hash = lastSearch;
  } else if (key === 'ArrowDown' || key === 'ArrowUp') moveHit(event, key === 'ArrowDown' ? 1 : -1);
}

function toSearch() {
  const field = document.getElementById('q');
  if (field !== null) {
    field.focus();
    field.select();
  } else location.hash = hashOf('/');
}

function moveHit(event, step) {
  const hits = [...document.querySelectorAll('.hit')];
  const at = hits.indexOf(document.activeElement);
  const field = document.getElementById('q');
  if (hits.length === 0 || (at === -1 && document.activeElement !== field)) return;
  if (at === -1 && step < 0) return;
  event.preventDefault();
  (at + step < 0 ? field : hits[Math.min(at + step, hits.length - 1)]).focus();
}

/** Typing replaces the address without an event, so the search to come back to is read when it is left. */
const rememberSearch = () => {
  if (readRoute().view === 'search') lastSearch = location.hash || '#/';
};

document.addEventListener('click', rememberSearch, true);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') rememberSearch();
  onKey(event);
});
document.querySelector('.skip').addEventListener('click', (event) => {
  // Its address would be taken for a place of the page.
  event.preventDefault();
  main.focus();
});
window.addEventListener('hashchange', show);
showFreshness(document.getElementById('freshness'));
show();
