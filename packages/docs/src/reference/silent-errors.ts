import { type DeclarationReflection, ReflectionKind } from 'typedoc';
import ts from 'typescript';
import type { Reference } from './convert.js';

/**
 * Exported functions and methods that throw and whose comments have no `@throws`. A function throws if its own body does,
 * or calls a function with `@throws` that is not exported, so that nobody can look that up.
 */
export function findSilentErrors({ project, program }: Reference): string[] {
  const checker = program.getTypeChecker(); // It also makes nodes know their parents.
  const exported = new Set<ts.Node>();
  const bodies: { name: string; body: ts.Node; said: boolean }[] = [];
  for (const reflection of project.getReflectionsByKind(ReflectionKind.FunctionOrMethod | ReflectionKind.Constructor)) {
    if (!reflection.isDeclaration() || reflection.signatures === undefined) continue;
    const said = reflection.signatures.some(({ comment }) => comment?.getTag('@throws') !== undefined);
    for (const declaration of declarationsOf(program, reflection)) {
      exported.add(declaration);
      if (declaration.body !== undefined) bodies.push({ name: reflection.getFullName(), body: declaration.body, said });
    }
  }
  return bodies.filter(({ body, said }) => !said && throws(body, exported, checker)).map(({ name }) => name);
}

type FunctionNode = ts.FunctionLikeDeclaration;

/** The function nodes that a reflection was made of; a constant that holds an arrow function counts as that function. */
function declarationsOf(program: ts.Program, { sources = [] }: DeclarationReflection): FunctionNode[] {
  return sources.flatMap(({ fullFileName, line, character }) => {
    const file = program.getSourceFile(fullFileName);
    if (file === undefined) return [];
    const place = ts.getPositionOfLineAndCharacter(file, line - 1, character);
    let node: ts.Node | undefined = innermost(file, place, file);
    while (node !== undefined && !ts.isFunctionLike(node) && !ts.isVariableDeclaration(node)) node = node.parent;
    const found = node !== undefined && ts.isVariableDeclaration(node) ? node.initializer : node;
    return found !== undefined && ts.isFunctionLike(found) && 'body' in found ? [found as FunctionNode] : [];
  });
}

function innermost(node: ts.Node, place: number, file: ts.SourceFile): ts.Node {
  const inner = ts.forEachChild(node, (child) =>
    place >= child.getStart(file) && place < child.end ? child : undefined,
  );
  return inner === undefined ? node : innermost(inner, place, file);
}

/** Functions within, which are called later or by others, are left out, and so is what a `try` catches. */
function throws(body: ts.Node, exported: ReadonlySet<ts.Node>, checker: ts.TypeChecker): boolean {
  let found = false;
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return;
    if (ts.isThrowStatement(node)) found = true;
    if (ts.isCallExpression(node)) {
      const callee = checker.getResolvedSignature(node)?.declaration;
      found ||= callee !== undefined && isOurs(callee) && !exported.has(callee) && saysItThrows(callee);
    }
    if (ts.isTryStatement(node) && node.catchClause !== undefined) {
      visit(node.catchClause);
      if (node.finallyBlock !== undefined) visit(node.finallyBlock);
    } else ts.forEachChild(node, visit);
  };
  visit(body);
  return found;
}

const isOurs = (node: ts.Node): boolean =>
  ts.isFunctionDeclaration(node) && !node.getSourceFile().fileName.includes('/node_modules/');

const saysItThrows = (node: ts.Node): boolean => ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'throws');
