import childProcess from 'node:child_process';
import nodeCrypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import { Fault } from '../domain/fault.ts';
import type { DeniedWorld } from '../streams/check-fold.ts';

/** Each answer is so much later than the one before. */
const skewMs = 1_234_567;

type Members = Record<string, unknown>;
type Work = (...given: readonly unknown[]) => unknown;

/** What is refused: whoever calls it asks the network, the disk or the machine. */
const refused: readonly (readonly [name: string, module: object, members: readonly string[]])[] = [
  ['fs', fs, ['existsSync', 'openSync', 'readFileSync', 'readdirSync', 'statSync', 'writeFileSync']],
  ['net', net, ['connect', 'createConnection']],
  ['http', http, ['get', 'request']],
  ['https', https, ['get', 'request']],
  ['os', os, ['cpus', 'freemem', 'hostname', 'networkInterfaces', 'uptime', 'userInfo']],
  ['child_process', childProcess, ['exec', 'execFileSync', 'execSync', 'spawn', 'spawnSync']],
];
const chance = ['getRandomValues', 'randomBytes', 'randomFillSync', 'randomInt', 'randomUUID'];
const later = ['fetch', 'setImmediate', 'setInterval', 'setTimeout'];

/**
 * Puts a guard before what a fold must not look at, for this process, until it is disposed: outside of `within` all is as it
 * was. Within, clock and chance answer otherwise each time and are noted; network, disk, machine, environment and timers are
 * noted and refused (`FOLD_IMPURE`). `within` is for work that ends at once: a promise goes on outside.
 */
export function deniedWorld(): DeniedWorld & Disposable {
  const asked = new Set<string>();
  const undo: (() => void)[] = [];
  let [inside, answers] = [false, 0];

  const note = (name: string): void => void asked.add(name);
  const another = (name: string, value: number): number => {
    note(name);
    answers += 1;
    return value + answers * skewMs;
  };
  const refuse = (name: string): never => {
    note(name);
    throw new Fault('FOLD_IMPURE', { asked: name });
  };

  function replace(target: object, name: string, make: (before: Work) => unknown): void {
    const found = Object.getOwnPropertyDescriptor(target, name);
    const before = (target as Members)[name];
    // What Node fixed leads to what is guarded elsewhere.
    if (typeof before !== 'function' || found?.configurable === false) return;
    const value = make((...given) => Reflect.apply(before, target, given));
    Object.defineProperty(target, name, { value, configurable: true, writable: true });
    undo.push(() => {
      if (found === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, found);
    });
  }
  const refusing = (target: object, name: string, told: string): void =>
    replace(
      target,
      name,
      (before) =>
        (...given: readonly unknown[]) =>
          inside ? refuse(told) : before(...given),
    );
  const noting = (target: object, name: string, told: string): void =>
    replace(target, name, (before) => (...given: readonly unknown[]) => {
      if (inside) note(told);
      return before(...given);
    });

  const RealDate = Date;
  const OtherDate = new Proxy(RealDate, {
    construct: (target, given: unknown[], made) =>
      Reflect.construct(
        target,
        inside && given.length === 0 ? [another('Date', RealDate.now())] : given,
        made,
      ) as object,
    apply: (target) => (inside ? new RealDate(another('Date', RealDate.now())).toString() : target()),
    get: (target, name) =>
      name === 'now' && inside
        ? () => another('Date.now', RealDate.now())
        : (Reflect.get(target, name, target) as unknown),
  });
  globalThis.Date = OtherDate;
  undo.push(() => {
    globalThis.Date = RealDate;
  });
  const env = process.env;
  process.env = new Proxy(env, {
    get: (target, name) => (inside ? refuse('process.env') : Reflect.get(target, name)),
    has: (target, name) => (inside ? refuse('process.env') : Reflect.has(target, name)),
    ownKeys: (target) => (inside ? refuse('process.env') : Reflect.ownKeys(target)),
  });
  undo.push(() => {
    process.env = env;
  });
  noting(Math, 'random', 'Math.random');
  replace(performance, 'now', (before) => () => {
    const now = Number(before());
    return inside ? another('performance.now', now) : now;
  });
  for (const name of chance) noting(globalThis.crypto, name, `crypto.${name}`);
  for (const name of later) refusing(globalThis, name, name);
  for (const name of chance) noting(nodeCrypto, name, `crypto.${name}`);
  for (const [module, members, names] of refused)
    for (const name of names) refusing(members, name, `${module}.${name}`);
  syncBuiltinESMExports();

  return {
    within(work) {
      const before = inside;
      inside = true;
      try {
        return work();
      } finally {
        inside = before;
      }
    },
    asked: () => [...asked].sort(),
    [Symbol.dispose]() {
      for (const restore of undo.toReversed()) restore();
      syncBuiltinESMExports();
    },
  };
}
