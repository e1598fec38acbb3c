import { ask } from './api.js';
import { el } from './dom.js';
import { entityLink, loading, problemView, table } from './parts.js';
import { entityHash } from './route.js';
import { counted } from './words.js';

const steps = 2;
const nodesMax = 100;

/** What an entity is made from and what is made from it, a few steps far, now or as it was; nothing where there is none. */
export function lineageView(urn, asOf, signal) {
  const section = el('section', { class: 'card', 'aria-labelledby': 'lineage' }, heading(), loading(2));

  async function load() {
    try {
      const asked = { depth: steps, limit: nodesMax, 'as-of': asOf };
      const told = await ask(`/v1/entities/${encodeURIComponent(urn)}/lineage`, asked, signal);
      if (told.edges.length === 0) section.remove();
      else section.replaceChildren(heading(el('small', {}, sizeOf(told))), tableOf(told, asOf));
    } catch (error) {
      if (signal.aborted) return;
      // Of what is not known the notice above says it all.
      if (error.status === 404) section.remove();
      else section.replaceChildren(heading(), problemView(error, load));
    }
  }

  void load();
  return section;
}

const heading = (...more) => el('h2', { id: 'lineage' }, 'Lineage', ...more);

const sizeOf = ({ nodes, truncated }) =>
  `${counted(nodes.length - 1, 'entity', 'entities')} within ${steps} steps${truncated ? ', and more' : ''}`;

function tableOf({ nodes }, asOf) {
  const rows = ['up', 'down'].flatMap((way) =>
    nodes
      .filter((node) => node[way] > 0)
      .map((node) => [way === 'up' ? 'made from' : 'makes', node[way], named(node, asOf), isNow(node)]),
  );
  return table(['', 'Steps', 'Entity', ''], rows, 'Lineage');
}

const named = ({ urn, name, platform }, asOf) => [
  asOf === ''
    ? entityLink(urn, name)
    : el('a', { href: entityHash(urn, { 'as-of': asOf }), title: urn }, name),
  el('span', { class: 'dim' }, ` ${platform}`),
];

const isNow = ({ is }) =>
  is === 'live'
    ? ''
    : el(
        'span',
        { class: `badge ${is === 'deleted' ? 'bad' : 'odd'}` },
        is === 'deleted' ? 'deleted' : 'never described',
      );
