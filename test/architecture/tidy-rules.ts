import ts from 'typescript';
import type { TextFile } from './tree.ts';

/** One habit of the tree. `faults` are told as `line: what`, or as `what` where no line is meant. */
export interface TidyRule {
  readonly name: string;
  readonly holdsFor: (path: string) => boolean;
  readonly faults: (file: TextFile) => readonly string[];
}

const isTypescript = (path: string): boolean => path.endsWith('.ts');
const isProduct = (path: string): boolean => /^(?:src|plugins)\/.*\.ts$/.test(path);
const isCode = (path: string): boolean => /\.(?:ts|js|mjs|java|sh)$/.test(path);
const isRule = (path: string): boolean => path.startsWith('test/architecture/');

/** Lines that match; this folder itself names what it forbids. */
const forbids =
  (pattern: RegExp, what: string) =>
  ({ text }: TextFile): string[] =>
    text.split('\n').flatMap((line, i) => (pattern.test(line) ? [`${i + 1}: ${what}`] : []));

/** Rooms whose results depend on what they are given and on nothing else. */
const isPure = (path: string): boolean => /^src\/(?:domain|formats|projections)\//.test(path);

const linesMax = 300;
/** Longer because it is one table: cut in two, it would have to be put together again. */
const longTables: readonly string[] = ['src/domain/fault.ts'];
const lineMax = 110;
const commentMax = 130;
const hasComment = (line: string): boolean => /^\s*(?:\/\/|\/?\*)|[;,{})\]] \/\/ /.test(line);
/** Signs that take no room are not counted. */
const widthOf = (line: string): number => [...line.replace(/\p{Cf}/gu, '')].length;
/** A text or expression that no formatter can break. */
const isUnbroken = (line: string): boolean =>
  /'[^']{40,}'|"[^"]{40,}"|`[^`]{40,}`|^\s*\/.*\/[a-z]*[;,]?$/.test(line);

export const tidyRules: readonly TidyRule[] = [
  {
    name: 'no file only passes on what others export',
    holdsFor: isProduct,
    faults: (file) => (/\/index\.ts$/.test(file.path) || isBarrel(file) ? ['is a barrel'] : []),
  },
  {
    name: 'a file is named after its subject',
    holdsFor: isCode,
    faults: ({ path }) =>
      /(?:^|\/)(?:utils?|helpers?|common|misc|types|constants|managers?|services?|base|index)\.[a-z]+$/i.test(
        path,
      )
        ? ['is a drawer, not a subject']
        : [],
  },
  {
    name: 'every test runs',
    holdsFor: (path) => path.startsWith('test/') && isTypescript(path) && !isRule(path),
    faults: forbids(
      /\b(?:it|test|describe|suite)(?:\.\w+)*\.(?:only|skip|todo|fails)\b|\bx(?:it|test|describe)\(|\bf(?:it|describe)\(/,
      'a test that does not run',
    ),
  },
  {
    name: 'types are not switched off',
    holdsFor: (path) => isTypescript(path) && !isRule(path),
    faults: forbids(
      /@ts-(?:ignore|nocheck|expect-error)|\bas any\b|as unknown as|eslint-disable/,
      'a type or check switched off',
    ),
  },
  {
    name: 'a switched-off lint says why',
    holdsFor: (path) => isTypescript(path) && !isRule(path),
    faults: forbids(
      /biome-ignore(?!(?:-\w+)? lint\/\w+\/\w+: .{20})/,
      'a lint switched off without a reason',
    ),
  },
  {
    name: 'an error that is let go says why',
    holdsFor: (path) => (isTypescript(path) || path.endsWith('.js')) && !isRule(path),
    faults: swallowed,
  },
  {
    name: 'nothing is left undone',
    holdsFor: (path) => !isRule(path) && !path.endsWith('package-lock.json'),
    faults: forbids(/\b(?:TODO|FIXME|XXX|HACK)\b|\bnot (?:yet )?implemented\b/, 'something left undone'),
  },
  {
    name: 'no path of a machine',
    holdsFor: (path) => !isRule(path),
    faults: forbids(/(?<![\w.:@-])\/(?:work|farm|root|home|Users)\/|\/tmp\/bash/, 'the path of a machine'),
  },
  {
    name: 'no host of a package registry',
    holdsFor: (path) => !isRule(path),
    faults: forbids(
      /registry\.(?:npmjs|yarnpkg)|npmjs\.(?:org|com)|pypi\.org|pythonhosted|repo1?\.maven|maven\.org\/maven2|proxy\.golang|artifactory|nexus/i,
      'the host of a registry',
    ),
  },
  {
    name: 'the lockfile names no host',
    holdsFor: (path) => path === 'package-lock.json',
    faults: forbids(/"resolved": "(?:git\+)?(?:https?|ssh):/, 'an address where a package was fetched'),
  },
  {
    name: `a file has at most ${linesMax} lines`,
    holdsFor: (path) =>
      (isProduct(path) || /^(?:bin|samples)\//.test(path)) && isCode(path) && !longTables.includes(path),
    faults: ({ text }) => {
      const lines = text.split('\n').length - 1;
      return lines > linesMax ? [`has ${lines} lines`] : [];
    },
  },
  {
    name: `a line has at most ${lineMax} characters, one with a comment ${commentMax}`,
    holdsFor: (path) => /\.(?:ts|js)$/.test(path) && !isRule(path),
    faults: ({ text }) =>
      text.split('\n').flatMap((line, i) => {
        const max = hasComment(line) ? commentMax : lineMax;
        return widthOf(line) > max && !isUnbroken(line) ? [`${i + 1}: ${widthOf(line)} characters`] : [];
      }),
  },
  {
    name: 'pure rooms have no clock, randomness, network or environment',
    holdsFor: isPure,
    faults: forbids(
      /\bDate\.now\b|new Date\(\)|\bMath\.random\b|\bperformance\.|\bprocess\.|\bset(?:Timeout|Interval|Immediate)\b|\bfetch\(|\brandom(?:Bytes|UUID|Int)\b|\bawait\b/,
      'something a replay would not see again',
    ),
  },
  {
    name: 'time comes from the clock that is given',
    holdsFor: (path) => /^src\/(?:ports|streams|intake|composition)\//.test(path),
    faults: forbids(
      /\bDate\.now\b|new Date\(\)|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\b/,
      'a clock of its own',
    ),
  },
  {
    name: 'the environment is read where a process starts',
    // denied-world keeps others from it.
    holdsFor: (path) => isProduct(path) && !/\/(?:main|denied-world)\.ts$/.test(path),
    faults: forbids(/\bprocess\.env\b/, 'the environment'),
  },
  {
    name: 'nothing is printed behind the back of the output',
    holdsFor: isProduct,
    faults: forbids(/\bconsole\.\w+\(/, 'the console'),
  },
  {
    name: 'a page has one title and ends with a newline',
    holdsFor: (path) => path.endsWith('.md'),
    faults: ({ text }) => {
      const prose = text.replace(/^```[\s\S]*?^```/gm, '');
      const titles = prose.match(/^# /gm)?.length ?? 0;
      return [
        ...(titles === 1 ? [] : [`has ${titles} titles`]),
        ...(text.endsWith('\n') && !text.endsWith('\n\n') ? [] : ['does not end with one newline']),
      ];
    },
  },
  {
    name: 'no space at the end of a line, no tabs',
    holdsFor: (path) => !path.endsWith('.json'),
    faults: forbids(/[ \t]$|\t/, 'a space or tab that nobody sees'),
  },
];

function isBarrel({ path, text }: TextFile): boolean {
  const { statements } = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return statements.length > 0 &&
    statements.every((one) => ts.isExportDeclaration(one) || ts.isImportDeclaration(one))
    ? statements.some(ts.isExportDeclaration)
    : false;
}

/** Empty catch blocks, and `catch` calls whose function does nothing, without a comment inside, beside or above. */
function swallowed({ path, text }: TextFile): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lines = text.split('\n');
  const found: string[] = [];
  const says = (line: number): boolean =>
    /\/\/ ?\S.{10}/.test(lines[line] ?? '') || /^\s*(?:\/\/|\*)/.test(lines[line - 1] ?? '');
  const visit = (node: ts.Node): void => {
    const line = source.getLineAndCharacterOfPosition(node.getStart()).line;
    if (ts.isCatchClause(node) && node.block.statements.length === 0 && !/\/[/*]/.test(node.block.getText()))
      found.push(`${line + 1}: an empty catch`);
    if (
      ts.isCallExpression(node) &&
      ts.isPropertyAccessExpression(node.expression) &&
      node.expression.name.text === 'catch' &&
      node.arguments.length === 1 &&
      doesNothing(node.arguments[0]!)
    ) {
      const at = source.getLineAndCharacterOfPosition(node.arguments[0]!.getStart()).line;
      if (!says(at)) found.push(`${at + 1}: an error let go`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function doesNothing(node: ts.Expression): boolean {
  if (!ts.isArrowFunction(node) && !ts.isFunctionExpression(node)) return false;
  if (ts.isBlock(node.body)) return node.body.statements.length === 0;
  return /^(?:undefined|null|void 0)$/.test(node.body.getText());
}
