import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { type FaultCode, faults } from '../../domain/fault.ts';
import { statusOf } from './problem.ts';
import type { Api } from './request.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const webDir = join(import.meta.dirname, '..', 'web');

/** The page at `/` with its files, and the table of codes that problems link to. All read once, at start. */
export function pageRoutes(app: Api): void {
  for (const file of readdirSync(webDir)) {
    const type = types[extname(file)];
    if (type === undefined) continue;
    fileRoute(app, file === 'index.html' ? '/' : `/${file}`, type, readFileSync(join(webDir, file)));
  }
  fileRoute(app, '/errors', types['.html']!, Buffer.from(errorsPage()));
}

function fileRoute(app: Api, url: string, type: string, bytes: Buffer): void {
  const tag = `"${hash('sha256', bytes, 'base64url').slice(0, 22)}"`;
  app.get(url, { config: { needs: 'open' }, schema: { hide: true } }, async (request, reply) => {
    reply.header('etag', tag).header('cache-control', 'no-cache');
    if (request.headers['if-none-match'] === tag) return reply.code(304).send();
    return reply.header('content-type', type).send(bytes);
  });
}

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

function errorsPage(): string {
  const rows = (Object.keys(faults) as FaultCode[]).map((code) => {
    const { about, doThis } = faults[code];
    const cells = [`<code>${code}</code>`, String(statusOf(code)), escaped(about), escaped(doThis)];
    return `<tr id="${code}">${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Codes · Annal</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/base.css">
<link rel="stylesheet" href="/page.css">
</head>
<body class="codes">
<header class="bar"><a class="brand" href="/">Annal</a></header>
<main>
<h1>What every code means</h1>
<div class="wide"><table>
<thead><tr><th>Code</th><th>Status</th><th>What happened</th><th>What to do</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>
</main>
</body>
</html>
`;
}
