/**
 * Where the page is. Everything it shows follows from the hash, so a reload and a sent link show the same:
 * `#/?q=…`, `#/entity/<urn>?as-of=…`, `#/event/<position>`, `#/log?…`.
 */
export function readRoute(hash = location.hash) {
  const [path = '', query = ''] = hash.replace(/^#/, '').split(/\?(.*)/s);
  const [, view = '', ...rest] = path.split('/');
  return {
    view: view === '' ? 'search' : view,
    subject: decoded(rest.join('/')),
    params: new URLSearchParams(query),
  };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    // A link somebody cut short: what is left of it is shown as not found.
    return text;
  }
}

/** The hash of a place; empty parameters are left out. */
export function hashOf(path, params = {}) {
  const search = new URLSearchParams(
    Object.entries(params).filter(([, value]) => value !== undefined && value !== ''),
  );
  const text = search.toString();
  return `#${path}${text === '' ? '' : `?${text}`}`;
}

export const entityHash = (urn, params) => hashOf(`/entity/${encodeURIComponent(urn)}`, params);
export const eventHash = (position) => hashOf(`/event/${encodeURIComponent(position)}`);

/** Shows another state of the same view without a new step in the browser's history. */
export function replaceHash(hash) {
  history.replaceState(null, '', hash);
}
