import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tokensIn } from '../../../src/adapters/system/secret-file.ts';
import { tokenSourceContract } from '../../contracts/token-source.contract.ts';

const inFile = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'annal-tokens-'));
  const file = join(dir, 'token');
  return {
    file,
    tokens: tokensIn(file),
    issue: (token: string) => writeFile(file, `${token}\n`),
    fail: () => rm(file),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  };
};

tokenSourceContract('a file that somebody keeps', inFile);

test('a token that is no JWT is given as it is, without an end; an empty file holds none', async () => {
  await using under = await inFile();
  for (const opaque of ['opaque', 'o.p.a', 'a.bm90IGpzb24.c']) {
    await under.issue(opaque);
    expect(await under.tokens()).toEqual({ value: opaque, endsAt: undefined });
  }
  await under.issue(' ');
  await expect(under.tokens()).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
});
