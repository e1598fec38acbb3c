const tokenName = 'annal-token';

/** What the server refused, or that it does not answer. */
export class Problem extends Error {
  constructor({
    code = 'UNKNOWN',
    detail = 'The server gave no reason.',
    doThis = '',
    status = 0,
    ...facts
  }) {
    super(detail);
    this.name = 'Problem';
    Object.assign(this, { code, status, doThis, facts });
  }
}

/** Kept for this tab alone. */
export const keepToken = (token) => sessionStorage.setItem(tokenName, token);

/** Asks the API. Rejects with a `Problem`, or with the signal's reason. */
export async function ask(path, params = {}, signal = undefined) {
  const token = sessionStorage.getItem(tokenName);
  const headers = {
    accept: 'application/json',
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  const search = new URLSearchParams(
    Object.entries(params).filter(([, value]) => value !== undefined && value !== ''),
  );
  const query = search.toString();
  let response;
  let text;
  try {
    response = await fetch(query === '' ? path : `${path}?${query}`, { headers, signal });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem({
      code: 'SERVER_UNREACHABLE',
      detail: 'The server does not answer.',
      doThis: 'Check that it runs: `npx annal start`.',
    });
  }
  const body = parsed(text);
  if (!response.ok) throw new Problem({ ...body, status: response.status });
  return body;
}

/** Numbers that JavaScript would write otherwise (`1.0`) keep the text they were sent in, where the browser can. */
function parsed(text) {
  try {
    return JSON.parse(text, (_key, value, context) =>
      typeof value === 'number' &&
      context?.source !== undefined &&
      String(value) !== context.source &&
      JSON.rawJSON
        ? JSON.rawJSON(context.source)
        : value,
    );
  } catch {
    throw new Problem({
      code: 'SERVER_UNREACHABLE',
      detail: 'Something else than Annal answers at this address.',
    });
  }
}
