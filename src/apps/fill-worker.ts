// A thread that fills chains of an index: it opens ports of its own, so that threads share nothing but the engines.
import { parentPort, workerData } from 'node:worker_threads';
import { openPorts } from '../composition/compose.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { projectionNamed } from '../projections/registry.ts';
import { readEpochs } from '../streams/epochs.ts';
import { openEventDecoders } from '../streams/event-decoders.ts';
import { fillChains } from '../streams/fill-chains.ts';
import type { FillMessage, FillOrder } from './fill-workers.ts';

const { settings, projection: name, until, index: indexName, chains } = workerData as FillOrder;
const port = parentPort!;
const say = (message: FillMessage, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);

const stopped = new AbortController();
port.once('message', () => stopped.abort(new DOMException('the rebuild was stopped', 'AbortError')));

try {
  await using ports = await openPorts(settings, () => undefined);
  const projection = projectionNamed(name);
  if (projection === undefined) throw new Fault('PROJECTION_UNKNOWN', { projection: name });
  const index = await ports.readModel.open(indexName, projection.definition);
  if (index === undefined) throw new Fault('MODEL_UNAVAILABLE', { index: indexName, reason: 'it is gone' });
  const { archive: store } = ports;
  const history = { store, epochs: await readEpochs(store.truth), decoders: openEventDecoders(store.truth) };
  const task = { projection, until, index, chains, signal: stopped.signal };
  const filled = await fillChains(history, task, (records) => say({ kind: 'records', records }));
  const entries = new Uint8Array(filled.entries);
  say({ kind: 'filled', filled: { ...filled, entries } }, [entries.buffer]);
} catch (error) {
  if (isFault(error)) say({ kind: 'fault', code: error.code, facts: { ...error.facts } });
  else say({ kind: 'error', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
} finally {
  port.close();
}
