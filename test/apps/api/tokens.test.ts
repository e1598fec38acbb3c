import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { parseTokens, principalOf, readTokens } from '../../../src/apps/api/tokens.ts';

const grant = { actions: ['read'], namespace: 'shop' };
const entry = (name: string, token: string) => ({ name, sha256: hash('sha256', token), grants: [grant] });

test('a token finds its principal by its hash, capitals of the hash or not', () => {
  const upper = { ...entry('bob', 'two'), sha256: hash('sha256', 'two').toUpperCase() };
  const tokens = parseTokens(JSON.stringify([entry('ann', 'one'), upper]), 'here');
  expect(principalOf(tokens, 'one')).toEqual({ name: 'token:ann', grants: [grant] });
  expect(principalOf(tokens, 'two')?.name).toBe('token:bob');
  expect(principalOf(tokens, 'three')).toBeUndefined();
  expect(principalOf(tokens, '')).toBeUndefined();
});

test.each([
  ['no JSON', '[{', 1],
  ['no list', '{}', 1],
  ['nobody', '[]', 1],
  ['all faults at once', JSON.stringify([{ name: 'a b', sha256: 'secret', grants: [] }]), 3],
  [
    'an unknown action',
    JSON.stringify([{ ...entry('a', 'x'), grants: [{ actions: ['admin'], namespace: '*' }] }]),
    1,
  ],
  ['an unknown member', JSON.stringify([{ ...entry('a', 'x'), token: 'secret' }]), 1],
  ['a name twice', JSON.stringify([entry('a', 'x'), entry('a', 'y')]), 1],
  ['a hash twice', JSON.stringify([entry('a', 'x'), entry('b', 'x')]), 1],
])('%s: refused, and no hash or token is shown', (_why, text, count) => {
  try {
    parseTokens(text, 'here');
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code: 'TOKENS_INVALID', facts: { file: 'here' } });
    const fault = error as Error & { facts: { faults: string[] } };
    expect(fault.facts.faults).toHaveLength(count);
    expect(fault.message).not.toContain('secret');
  }
});

test('a file that is not there is refused', async () => {
  await expect(readTokens('/no/such/file')).rejects.toMatchObject({ code: 'TOKENS_INVALID' });
});
