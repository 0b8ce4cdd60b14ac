import ts from 'typescript';

/** One import or re-export of a module. */
export interface Import {
  /** What the source names, such as '@dpar/tensor' or './shape.js'. */
  readonly specifier: string;
  /** Nothing of it remains after compilation. */
  readonly typeOnly: boolean;
}

/** All imports of a TypeScript source: declarations, re-exports, `import()` of values and of types. */
export function readImports(source: string): Import[] {
  const imports: Import[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
      add(node.moduleSpecifier, ts.isImportDeclaration(node) ? importsTypesOnly(node) : node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    }
    ts.forEachChild(node, visit);
  };
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier))
      imports.push({ specifier: specifier.text, typeOnly });
  };
  visit(ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest));
  return imports;
}

// `import { type A } from 'b'` still loads b, unlike `import type { A } from 'b'`.
function importsTypesOnly(declaration: ts.ImportDeclaration): boolean {
  return declaration.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}
