import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseTokens } from '../../../src/apps/api/tokens.ts';
import { anApi, properties, type ServedAnnal, servedAnnal, urn } from '../../given/api.ts';
import { browserPath, type OpenBrowser, openBrowser } from '../../given/browser.ts';

const inPage = (file: string): string => readFileSync(join(import.meta.dirname, '../../given', file), 'utf8');
const faintTexts = inPage('faint-texts.js');
const namelessFields = inPage('nameless-fields.js');
const executable = browserPath();
const why = executable === undefined ? ': SKIPPED, no Chromium or Chrome on this machine' : '';
const hostile = '<img src=x onerror="globalThis.stolen=1">';
const field = (fieldPath: string, description: string) => ({
  fieldPath,
  description,
  nullable: true,
  nativeDataType: 'bigint',
  type: { type: { 'com.linkedin.schema.NumberType': {} } },
});

describe.skipIf(executable === undefined)(`the page in a browser${why}`, () => {
  let served: ServedAnnal;
  let browser: OpenBrowser;
  let base: string;
  let page: Page;
  let complaints: string[];
  let positions: string[];

  beforeAll(async () => {
    served = await servedAnnal();
    base = await served.api.listen({ host: '127.0.0.1', port: 0 });
    browser = await openBrowser(executable!);
    positions = await served.put(
      properties('orders', { description: 'One row per order line', customProperties: { rows: '17' } }),
      properties('order_items', { description: hostile }),
      properties('invoices', {}, 'billing'),
      {
        urn: urn('orders'),
        aspect: 'schemaMetadata',
        value: {
          schemaName: 'orders',
          platform: 'urn:li:dataPlatform:hive',
          version: 0,
          hash: '',
          platformSchema: { 'com.linkedin.schema.OtherSchema': { rawSchema: '' } },
          fields: [field('cust_id', 'Who ordered'), field('note', hostile)],
        },
      },
      {
        urn: urn('orders'),
        aspect: 'ownership',
        value: { owners: [{ owner: 'urn:li:corpGroup:shop', type: 'DATAOWNER' }] },
      },
      {
        urn: urn('order_items'),
        aspect: 'institutionalMemory',
        value: {
          elements: [
            {
              url: 'javascript:globalThis.stolen=2',
              description: 'bad',
              createStamp: { time: 0, actor: 'urn:li:corpuser:x' },
            },
          ],
        },
      },
    );
    await served.put(properties('orders', { description: 'Renamed since', weight: 'x' }));
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await served?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    complaints = [];
    page = await browser.context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 40[134]/.test(message.text()))
        complaints.push(message.text());
    });
  });
  afterEach(async () => {
    const stolen = await page.evaluate('globalThis.stolen');
    await page.close();
    expect(complaints, 'what the console and the content policy complained of').toEqual([]);
    expect(stolen).toBeUndefined();
  });

  const at = (hash: string) => page.goto(`${base}/${hash}`);
  const hits = () => page.locator('.hit .name').allTextContents();
  const entity = (name: string, rest = '') => `#/entity/${encodeURIComponent(urn(name))}${rest}`;

  test('search as you type; what was typed and chosen survives a reload', async () => {
    await at('');
    await expect.poll(hits).toHaveLength(3);
    await page.keyboard.type('ord');
    await expect.poll(hits).toEqual(['order_items', 'orders']);
    expect(await page.locator('#found').textContent()).toBe('2 entities');
    expect(page.url()).toContain('#/?q=ord');
    await page.locator('#q').fill('');
    await page.locator('#namespace').selectOption('billing');
    await expect.poll(hits).toEqual(['invoices']);
    await page.reload();
    await expect.poll(hits).toEqual(['invoices']);
    expect(await page.locator('#namespace').inputValue()).toBe('billing');
  });

  test('the answer to the last word typed stands, whichever comes last', async () => {
    await at('');
    await expect.poll(hits).toHaveLength(3);
    let held = 0;
    await page.route('**/v1/search?q=inv&**', () => {
      held += 1;
    });
    await page.locator('#q').fill('inv');
    await expect.poll(() => held).toBe(1);
    const dropped = page.waitForEvent('requestfailed', (request) => request.url().includes('?q=inv&'));
    await page.locator('#q').fill('order_items');
    await dropped;
    await expect.poll(hits).toEqual(['order_items']);
  });

  test('by keyboard alone: /, arrows, Enter, Esc back to the same search', async () => {
    await at('#/log');
    await page.locator('.events').waitFor();
    await page.keyboard.press('/');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('q');
    await page.keyboard.type('ord');
    await expect.poll(hits).toHaveLength(2);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('h1').textContent()).toBe('orders');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    await page.keyboard.press('Escape');
    await expect.poll(hits).toHaveLength(2);
    expect(await page.locator('#q').inputValue()).toBe('ord');
    await page.keyboard.press('Escape');
    await expect.poll(hits).toHaveLength(3);
  });

  test('the link past the bar leads to the content and nowhere else', async () => {
    await at('#/log');
    await page.locator('.events').waitFor();
    await page.locator('.skip').focus();
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    expect(page.url()).toMatch(/#\/log$/);
  });

  test('an entity: fields, owners and history as tables, positions as links', async () => {
    await at(entity('orders'));
    await page.getByRole('cell', { name: 'Who ordered' }).waitFor();
    expect(await page.locator('section[aria-label="ownership"] td').first().textContent()).toBe('shop');
    expect(await page.locator('.description').textContent()).toBe('Renamed since');
    expect(await page.locator('#history small').textContent()).toBe('4 events');
    const row = page.locator('.events tbody tr').last();
    expect(await row.locator('time').textContent()).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
    expect(await row.textContent()).toContain('local:owner');
    await row.getByRole('link', { name: positions[0]!, exact: true }).click();
    await expect.poll(() => page.locator('h1').textContent()).toBe(`Event ${positions[0]}`);
    await page.getByText('One row per order line').first().waitFor();
  });

  test('as it was: at an event, at a time, and back', async () => {
    await at(entity('orders'));
    await page.getByRole('link', { name: 'state then' }).last().click();
    await page.locator('.past').waitFor();
    await expect.poll(() => page.locator('.description').textContent()).toBe('One row per order line');
    expect(await page.locator('section[aria-label="schemaMetadata"]').count()).toBe(0);
    await page.reload();
    await expect.poll(() => page.locator('.description').textContent()).toBe('One row per order line');
    await page.getByRole('link', { name: 'See it now' }).click();
    await expect.poll(() => page.locator('.description').textContent()).toBe('Renamed since');
    await page.locator('#as-of').fill('2020-01-01T00:00:00');
    await page.getByRole('button', { name: 'Look back' }).click();
    await page.getByText('nothing was known of', { exact: false }).waitFor();
    expect(page.url()).toContain('as-of=2020-01-01T00%3A00Z');
  });

  test('the log: filters stand in the address; following shows what comes', async () => {
    await at('#/log');
    await expect.poll(() => page.locator('.events tbody tr').count()).toBe(7);
    await page.getByLabel('Aspect').fill('ownership');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.events tbody tr').count()).toBe(1);
    await page.reload();
    await expect.poll(() => page.locator('.events tbody tr').count()).toBe(1);
    await page.getByLabel('Aspect').fill('');
    await page.getByLabel('Follow').check();
    await page.getByText('following').waitFor();
    const before = await page.locator('.events tbody tr').count();
    const [position] = await served.put({ urn: urn('late'), aspect: 'status', value: { removed: false } });
    await expect.poll(() => page.locator('.events tbody tr').count()).toBe(before + 1);
    expect(await page.locator('.events tbody tr').first().textContent()).toContain(position);
    await served.put({ urn: urn('late'), change: 'DELETE' });
  });

  test('lineage: what it is made from and what is made from it, as links; what is not there is said', async () => {
    await served.put({
      ...{ urn: urn('board'), aspect: 'upstreamLineage' },
      value: {
        upstreams: [
          { dataset: urn('late'), type: 'COPY' },
          { dataset: urn('gone'), type: 'COPY' },
        ],
      },
    });
    await at(entity('board'));
    const rows = page.locator('section[aria-labelledby="lineage"] tbody tr');
    await expect
      .poll(() => rows.allTextContents())
      .toEqual(['made from1shop.gone hivenever described', 'made from1shop.late hivedeleted']);
    await rows.getByRole('link', { name: 'shop.late' }).click();
    await expect.poll(() => rows.allTextContents()).toEqual(['makes1shop.board hive']);
    await served.put({ urn: urn('board'), change: 'DELETE' });
  });

  test('what somebody else wrote stays text', async () => {
    await at('#/?q=order_items');
    await expect.poll(hits).toEqual(['order_items']);
    expect(await page.locator('.hit .about').textContent()).toBe(hostile);
    await at(entity('order_items'));
    await page.locator('.description').waitFor();
    expect(await page.locator('.description').textContent()).toBe(hostile);
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.locator('a[href^="javascript:" i]').count()).toBe(0);
  });

  test('what is not known says so, and names what is near', async () => {
    await at(entity('ordrs'));
    await page.getByRole('alert').waitFor();
    await page.getByRole('link', { name: urn('orders') }).click();
    await expect.poll(() => page.locator('h1').textContent()).toBe('orders');
    await at('#/?q=nothing%20at%20all');
    await page.getByRole('button', { name: 'Clear the search' }).click();
    await expect.poll(hits).toHaveLength(3);
  });

  test('a server that does not answer: said with what to do, and tried again on demand', async () => {
    await page.route('**/v1/search?**', (route) =>
      route.fulfill({ status: 503, body: '<html>proxy</html>' }),
    );
    await at('#/?q=orders');
    await page.getByRole('alert').waitFor();
    await page.unroute('**/v1/search?**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(hits).toHaveLength(1);
    complaints = complaints.filter((text) => !/status of 503/.test(text));
  });

  test('the badge tells how fresh what is shown is', async () => {
    await at('');
    await expect
      .poll(() => page.locator('#freshness').textContent(), { timeout: 15_000 })
      .toMatch(/^up to date1:\d+\.\d+$/);
  });

  test('every field has a name, and headings and landmarks are there', async () => {
    for (const place of ['', '#/log', entity('orders')]) {
      await at(place);
      await page.locator('.events, .hits').first().waitFor();
      expect(await page.evaluate(namelessFields), place).toEqual([]);
      expect(await page.locator('h1').count(), place).toBe(1);
      expect(await page.getByRole('main').count()).toBe(1);
      expect(await page.getByRole('navigation').count()).toBe(1);
    }
  });

  test.each([
    'light',
    'dark',
  ] as const)('text is readable in the %s scheme: contrast 4.5 or more', async (scheme) => {
    await page.emulateMedia({ colorScheme: scheme });
    await at(entity('orders'));
    await page.locator('.events').waitFor();
    expect(await page.evaluate(faintTexts)).toEqual([]);
  });

  test('on a narrow screen nothing is wider than the screen', async () => {
    await page.setViewportSize({ width: 360, height: 700 });
    for (const place of [
      '#/?q=ord',
      '#/log',
      entity('orders'),
      `#/event/${positions[0]}`,
      '#/entity/urn%3Ali%3Adataset%3Anothing',
    ]) {
      await at(place);
      await page.locator('.events, .hits, .named, [role=alert]').first().waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth'), place).toBeLessThanOrEqual(360);
    }
  });

  test('where tokens are asked for, the page asks for one and keeps it for the tab', async () => {
    const grants = [{ actions: ['read'], namespace: 'billing' }];
    const tokens = parseTokens(
      JSON.stringify([{ name: 'bill', sha256: hash('sha256', 'the-token'), grants }]),
      '',
    );
    const api = anApi(served.annal.runtime, { tokens });
    const guarded = await api.listen({ host: '127.0.0.1', port: 0 });
    await page.goto(guarded);
    await page.getByLabel('Token').fill('the-token');
    await page.keyboard.press('Enter');
    await expect.poll(hits).toEqual(['invoices']);
    await page.reload();
    await expect.poll(hits).toEqual(['invoices']);
    await page.close();
    page = await browser.context.newPage();
    await api.close();
  });
});
