/** What our manifests are made of: maps, lists of them, one-line values, flow lists of one line, comments on lines of their own. */
export type Yaml = string | number | boolean | readonly Yaml[] | { readonly [key: string]: Yaml };

interface Line {
  readonly indent: number;
  readonly text: string;
}

/** Reads that much of YAML and nothing more: throws for any line that it does not know. */
export function plainYaml(text: string): Yaml {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*(?:#.*)?$/.test(line))
    .map((line) => ({ indent: line.search(/\S/), text: line.trim() }));
  const { value, next } = block(lines, 0, 0);
  if (next !== lines.length) throw new Error(`no YAML of ours: ${lines[next]!.text}`);
  return value;
}

function block(lines: readonly Line[], at: number, indent: number): { value: Yaml; next: number } {
  return lines[at]!.text.startsWith('- ') ? list(lines, at, indent) : map(lines, at, indent);
}

function list(lines: readonly Line[], from: number, indent: number): { value: Yaml; next: number } {
  const items: Yaml[] = [];
  let at = from;
  while (at < lines.length && lines[at]!.indent === indent && lines[at]!.text.startsWith('- ')) {
    const inner = indent + 2;
    const own = [...lines];
    own[at] = { indent: inner, text: lines[at]!.text.slice(2) };
    const item = map(own, at, inner);
    items.push(item.value);
    at = item.next;
  }
  return { value: items, next: at };
}

function map(lines: readonly Line[], from: number, indent: number): { value: Yaml; next: number } {
  const entries: Record<string, Yaml> = {};
  let at = from;
  while (at < lines.length && lines[at]!.indent === indent && !lines[at]!.text.startsWith('- ')) {
    const [, key, rest] = /^([\w./-]+):(?: (.+))?$/.exec(lines[at]!.text) ?? [];
    if (key === undefined || key in entries) throw new Error(`no YAML of ours: ${lines[at]!.text}`);
    at += 1;
    if (rest !== undefined) {
      entries[key] = scalar(rest);
      continue;
    }
    const inner = block(lines, at, lines[at]!.indent);
    entries[key] = inner.value;
    at = inner.next;
  }
  return { value: entries, next: at };
}

function scalar(text: string): Yaml {
  if (text === '{}') return {};
  if (/^\[.*\]$/.test(text)) return text.slice(1, -1).split(', ').map(scalar);
  if (/^'[^']*'$/.test(text)) return text.slice(1, -1);
  if (/^\d+$/.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^[\w/][^#:{}&*!|>%@`"]*(?::\S*)?$/.test(text)) return text;
  throw new Error(`no YAML of ours: ${text}`);
}

/** The value at a path of keys and numbers. */
export function at(yaml: Yaml, ...path: readonly (string | number)[]): Yaml {
  let found: Yaml | undefined = yaml;
  for (const key of path) found = (found as Readonly<Record<string | number, Yaml>> | undefined)?.[key];
  if (found === undefined) throw new Error(`nothing at ${path.join('.')}`);
  return found;
}
