import { type ProjectReflection, ReflectionKind } from 'typedoc';
import ts from 'typescript';
import type { Reference } from './convert.js';

/**
 * Exported functions and methods that throw and whose comments have no `@throws`. A function throws if its own body does,
 * or calls a function with `@throws` that is not exported, so that nobody can look that up.
 */
export function findSilentErrors({ project, program }: Reference): string[] {
  const exported = new Set<ts.Node>();
  const bodies: { name: string; body: ts.Node; said: boolean }[] = [];
  for (const reflection of project.getReflectionsByKind(ReflectionKind.FunctionOrMethod | ReflectionKind.Constructor)) {
    if (!reflection.isDeclaration() || reflection.signatures === undefined) continue;
    const said = reflection.signatures.some(({ comment }) => comment?.getTag('@throws') !== undefined);
    for (const declaration of declarationsOf(project, program, reflection)) {
      exported.add(declaration);
      if (declaration.body !== undefined) bodies.push({ name: reflection.getFullName(), body: declaration.body, said });
    }
  }
  const checker = program.getTypeChecker();
  return bodies.filter(({ body, said }) => !said && throws(body, exported, checker)).map(({ name }) => name);
}

type FunctionNode = ts.FunctionLikeDeclaration;

/** The function nodes that a reflection was made of; a constant that holds an arrow function counts as that function. */
function declarationsOf(
  project: ProjectReflection,
  program: ts.Program,
  reflection: Parameters<ProjectReflection['getSymbolIdFromReflection']>[0],
): FunctionNode[] {
  const id = project.getSymbolIdFromReflection(reflection);
  const source = id && program.getSourceFile(id.fileName);
  if (source === undefined) return [];
  const found: FunctionNode[] = [];
  const visit = (node: ts.Node): void => {
    if (node.pos === id?.pos || (ts.isVariableDeclaration(node) && node.name.pos === id?.pos)) {
      const inner = ts.isVariableDeclaration(node) ? node.initializer : node;
      if (inner !== undefined && ts.isFunctionLike(inner) && 'body' in inner) found.push(inner as FunctionNode);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
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
