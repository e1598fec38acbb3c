import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** A browser of this machine: ANNAL_TEST_BROWSER, else where systems keep one; undefined where there is none. */
export const browserPath = (): string | undefined =>
  [process.env.ANNAL_TEST_BROWSER ?? '', ...places].find((place) => place !== '' && existsSync(place));

export interface OpenBrowser extends AsyncDisposable {
  readonly context: BrowserContext;
}

/** A browser with an empty profile of its own, gone at the end. It asks nobody but the pages it is sent to. */
export async function openBrowser(executablePath: string): Promise<OpenBrowser> {
  const profile = mkdtempSync(join(tmpdir(), 'annal-browser-'));
  const quiet = ['quic', 'gpu', 'background-networking', 'component-update', 'sync'];
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: ['--no-sandbox', '--no-first-run', ...quiet.map((what) => `--disable-${what}`)],
    viewport: { width: 1_100, height: 800 },
  });
  return {
    context,
    async [Symbol.asyncDispose]() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
