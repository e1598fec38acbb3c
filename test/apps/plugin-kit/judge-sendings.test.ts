import { expect, test } from 'vitest';
import { doubled, notAgain, overtaken } from '../../../src/apps/plugin-kit/judge-sendings.ts';
import type { Sending } from '../../../src/apps/plugin-kit/way-to-annal.ts';

/** `a1!` is a change of aspect a with id a1 and a content of its own that was settled; `a1` one that was not. */
const sending = (...events: readonly string[]): Sending => ({
  ...{ atMs: 0, fate: 'passed' },
  events: events.map((text) => {
    const settled = text.endsWith('!');
    const id = text.replace('!', '');
    const [aspect, content] = [id[0]!, id.slice(0, 2)];
    return { ...{ id, urn: 'urn', aspect, change: 'UPSERT', content }, settled, appended: settled };
  }),
});

test('a later change that comes before an earlier one is taken overtakes it', () => {
  expect(overtaken([sending('a1'), sending('a1'), sending('a1!'), sending('a2!')])).toBeUndefined();
  expect(overtaken([sending('a1', 'b1!'), sending('b2!'), sending('a1!', 'b3!')])).toBeUndefined();
  expect(overtaken([sending('a1', 'a2'), sending('a1!', 'a2!')])).toBeUndefined();
  expect(overtaken([sending('a1', 'a2'), sending('a1!')])).toBeUndefined();
  expect(overtaken([sending('a1'), sending('a2!')])).toContain('a of urn: a later change');
  expect(overtaken([sending('a1', 'a2'), sending('a2', 'a1')])).toContain('a later change');
  expect(overtaken([sending('a1', 'a2!')])).toContain('in one request');
});

test('the same content under another id is doubled, another content is not, nor one that comes back', () => {
  expect(doubled([sending('a1'), sending('a1!'), sending('a2!'), sending('b1!')])).toBeUndefined();
  expect(doubled([sending('a1x!'), sending('a2x!'), sending('a1y!')])).toBeUndefined();
  expect(doubled([sending('a1x'), sending('a1y!')])).toContain('another id');
});

test('what did not come again under its id is named', () => {
  expect(notAgain(sending('a1', 'b1'), [sending('b1')])).toEqual(['a of urn']);
  expect(notAgain(sending('a1'), [sending('a1')])).toEqual([]);
});
