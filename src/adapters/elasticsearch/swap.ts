import { Fault } from '../../domain/fault.ts';
import { type ElasticsearchClient, Refusal, replyLost } from './client.ts';
import { type EngineNames, findIndex } from './find-index.ts';
import { servingSettings, visibleOnly } from './mapping.ts';

interface SwapPlace {
  readonly client: ElasticsearchClient;
  readonly names: EngineNames;
  readonly place: string;
}

/** Settings, everything on disk, everything visible, and then the alias in one request. */
export async function swapAlias(
  at: SwapPlace,
  projection: string,
  from: string | null,
  to: string,
): Promise<void> {
  const { client, names, place } = at;
  const now = async (): Promise<string | null> =>
    (await findIndex(client, names.serving(projection), names.prefix))?.meta.name ?? null;
  const refuse = async (): Promise<never> => {
    throw new Fault('SWAP_REFUSED', { projection, from, to, serving: await now(), place });
  };
  const found = await findIndex(client, names.physical(to), names.prefix);
  if (found?.meta.name !== to || found.meta.definition.projection !== projection)
    throw new Fault('SWAP_REFUSED', { projection, from, to, missing: to, place });
  if ((await now()) !== from) await refuse();

  const path = `/${names.physical(to)}`;
  await client.request({ method: 'PUT', path: `${path}/_settings`, body: servingSettings, index: to });
  await client.request({ method: 'POST', path: `${path}/_flush`, index: to });
  await client.request({ method: 'POST', path: `${path}/_refresh`, index: to });
  try {
    await client.request({
      method: 'POST',
      path: '/_aliases',
      body: { actions: actions(names, projection, from, to) },
    });
  } catch (error) {
    if (error instanceof Refusal) return refuse();
    if (replyLost(error) && (await now()) === to) return;
    throw error;
  }
}

/**
 * The engine takes all of it or nothing. `must_exist` holds the plan to what serves. Only one index may be an alias's
 * write index, so a second one that nobody took away is refused too: that guards the swap from none.
 */
function actions(names: EngineNames, projection: string, from: string | null, to: string): object[] {
  const alias = names.serving(projection);
  const add = { index: names.physical(to), alias, filter: visibleOnly, is_write_index: true };
  return from === null
    ? [{ add }]
    : [{ remove: { index: names.physical(from), alias, must_exist: true } }, { add }];
}
