import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@dpar/config/published';
import ts from 'typescript';

/** A doc comment of a TypeScript source. */
export interface DocComment {
  /** Path of the source from the repository's root and the comment's line: 'packages/io/src/npy.ts:12'. */
  readonly place: string;
  /** Text before the tags. */
  readonly summary: string;
  /** Text with the tags, without the asterisks. */
  readonly text: string;
  /** First names of its links: 'Engine' of a link to Engine.run. */
  readonly linkedNames: readonly string[];
  /** Names that the code of the source holds. */
  readonly knownNames: ReadonlySet<string>;
}

/** Paths of the TypeScript sources of packages and examples, from the repository's root. */
export function sourceFiles(): string[] {
  return ['packages', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder)).flatMap((name) => filesBelow(`${folder}/${name}/src`)),
  );
}

function filesBelow(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name.replaceAll('\\', '/')}`);
}

/** Doc comments of the source at a path from the repository's root. */
export function readDocComments(path: string, text = readFileSync(join(root, path), 'utf8')): DocComment[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const docs = new Map<number, ts.JSDoc>();
  const knownNames = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) knownNames.add(node.text);
    for (const doc of ts.getJSDocCommentsAndTags(node)) if (ts.isJSDoc(doc)) docs.set(doc.pos, doc);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...docs.values()].map((doc) => ({
    place: `${path}:${source.getLineAndCharacterOfPosition(doc.getStart()).line + 1}`,
    summary: ts.getTextOfJSDocComment(doc.comment) ?? '',
    text: doc.getText().replace(/^\/\*\*|\*\/$|^\s*\* ?/gm, ''),
    linkedNames: [doc, ...(doc.tags ?? [])].flatMap(({ comment }) => namesOf(comment)),
    knownNames,
  }));
}

/** First names of the links within a comment. */
function namesOf(comment: ts.JSDoc['comment']): string[] {
  if (comment === undefined || typeof comment === 'string') return [];
  return comment.flatMap((part) =>
    'name' in part && part.name !== undefined ? [/^\w+/.exec(part.name.getText())?.[0] ?? ''] : [],
  );
}
