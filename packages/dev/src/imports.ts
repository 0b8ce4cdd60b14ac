import ts from 'typescript';

/**
 * What a TypeScript source imports, such as '@dpar/tensor' or './shape.js': by declarations, re-exports, `import()` of
 * values and of types.
 */
export function readImports(source: string): string[] {
  const imports: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0]);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal);
    ts.forEachChild(node, visit);
  };
  const add = (specifier: ts.Node | undefined): void => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) imports.push(specifier.text);
  };
  visit(ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest));
  return imports;
}
