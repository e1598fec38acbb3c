import { mkdirSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { isFault } from '../../domain/fault.ts';
import { type IndexFolder, indexFolder } from './index-folder.ts';
import type { Answer, Calls, Question } from './messages.ts';

const { dir } = workerData as { readonly dir: string };
mkdirSync(dir, { recursive: true });
const folder: IndexFolder = indexFolder(dir);
const port = parentPort!;

function answer<Op extends keyof Calls>(op: Op, ask: Calls[Op]['ask']): Calls[Op]['answer'] {
  return folder[op](ask);
}

/** The low byte of SQLite's result code says what kind of trouble it is (https://sqlite.org/rescode.html). */
const away = new Set([5, 6, 8, 10, 13, 14]);
const damaged = new Set([11, 26]);

function failure(call: number, { op, ask }: Question, error: unknown): Answer {
  if (isFault(error)) return { call, fault: error.code, facts: error.facts };
  const caught = error instanceof Error ? error : new Error(String(error));
  const code = 'errcode' in caught && typeof caught.errcode === 'number' ? caught.errcode & 0xff : 0;
  const facts = {
    folder: dir,
    ...(ask !== null && 'index' in ask ? { index: ask.index } : {}),
    op,
    sqlite: caught.message,
  };
  if (away.has(code)) return { call, fault: 'MODEL_UNAVAILABLE', facts };
  if (damaged.has(code)) return { call, fault: 'MODEL_DAMAGED', facts };
  return { call, error: caught };
}

function bodiesIn(answer: unknown): ArrayBuffer[] {
  if (typeof answer !== 'object' || answer === null || !('bodies' in answer)) return [];
  return answer.bodies instanceof ArrayBuffer ? [answer.bodies] : [];
}

port.on('message', (question: Question) => {
  const { call } = question;
  try {
    const answered = answer(question.op, question.ask);
    port.postMessage({ call, answer: answered } satisfies Answer, bodiesIn(answered));
  } catch (error) {
    port.postMessage(failure(call, question, error));
  }
});
