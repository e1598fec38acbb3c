import { posix } from 'node:path';
import ts from 'typescript';
import type { TextFile } from './tree.ts';

/** One way in which a file reaches another module. */
export interface Import {
  readonly from: string;
  readonly line: number;
  /** As written; null where it is computed. */
  readonly specifier: string | null;
  /** Path in the repository for a relative one. */
  readonly target: string | undefined;
  /** Package or `node:` name for any other. */
  readonly library: string | undefined;
  readonly typeOnly: boolean;
}

const isText = (node: ts.Node | undefined): node is ts.StringLiteralLike =>
  node !== undefined && ts.isStringLiteralLike(node);

/** `import.meta.url` as the base of a URL: how a worker's file is named. */
const isOwnUrl = (node: ts.NewExpression): boolean =>
  node.expression.getText() === 'URL' && node.arguments?.[1]?.getText() === 'import.meta.url';

/**
 * Static, side-effect, re-exporting, dynamic and type imports, `require`, and files named by a URL next to the module
 * (workers), in the order of the text.
 */
export function importsOf({ path, text }: TextFile): readonly Import[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: Import[] = [];

  const add = (node: ts.Node, named: ts.Node | undefined, typeOnly: boolean): void => {
    const specifier = isText(named) ? named.text : null;
    const relative = specifier?.startsWith('.') === true;
    found.push({
      from: path,
      line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1,
      specifier,
      target: relative ? posix.normalize(posix.join(posix.dirname(path), specifier)) : undefined,
      library: specifier === null || relative ? undefined : libraryOf(specifier),
      typeOnly,
    });
  };

  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, node.importClause?.isTypeOnly === true);
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
      add(node, node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node))
      add(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference))
      add(node, node.moduleReference.expression, node.isTypeOnly);
    else if (ts.isCallExpression(node) && isLoading(node)) add(node, node.arguments[0], false);
    else if (ts.isNewExpression(node) && isOwnUrl(node) && isText(node.arguments?.[0])) {
      if (/\.[cm]?[jt]s$/.test(node.arguments[0].text)) add(node, node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const isLoading = ({ expression }: ts.CallExpression): boolean =>
  expression.kind === ts.SyntaxKind.ImportKeyword ||
  (ts.isIdentifier(expression) && expression.text === 'require') ||
  (ts.isPropertyAccessExpression(expression) && expression.getText() === 'require.resolve');

/** `@scope/name`, `name` or `node:name`: paths inside a package are its own. */
function libraryOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}
