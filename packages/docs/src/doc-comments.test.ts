import { root } from '@dpar/config/published';
import { expect, it } from 'vitest';
import { deadLinks, readMarkdown } from '../site/links.js';
import { type DocComment, readDocComments, sourceFiles } from './testing/doc-comments.js';

const comments = sourceFiles().flatMap((path) => readDocComments(path));

/** The folder of a comment's package: 'packages/io'. */
const packageOf = ({ place }: DocComment) => place.split('/').slice(0, 2).join('/');

/** Places of comments that begin with a question word instead of a noun or a verb. */
const questions = (list: readonly DocComment[]) =>
  list.filter(({ summary }) => /^(What|How|Whether|Where|Which|That|When)\b/.test(summary)).map(({ place }) => place);

/** Links to names that are not found in the sources of the package. */
function lostNames(list: readonly DocComment[]): string[] {
  const known = new Set(
    list.flatMap((comment) => [...comment.knownNames].map((name) => `${packageOf(comment)} ${name}`)),
  );
  return list.flatMap((comment) =>
    comment.linkedNames
      .filter((name) => !known.has(`${packageOf(comment)} ${name}`))
      .map((name) => `${comment.place}: ${name}`),
  );
}

/** Links to files that do not exist. */
const deadLinksOf = (list: readonly DocComment[]) =>
  deadLinks(root, new Map(list.map(({ place, text }) => [place, readMarkdown(text)])));

it('begins doc comments with a noun or a verb', () => {
  expect(comments.length).toBeGreaterThan(4000);
  expect(questions(comments)).toEqual([]);
});

it('links to names and files that exist', () => {
  // The sample of the reference's own test links to nothing.
  const others = comments.filter(({ place }) => !place.startsWith('packages/docs/src/testing/sample.ts'));
  expect(lostNames(others)).toEqual([]);
  expect(deadLinksOf(others)).toEqual([]);
});

it('finds comments that break the rules', () => {
  const found = readDocComments(
    'packages/a/src/b.ts',
    [
      '/** What it is. */\nexport interface A {\n  /**\n   * Whether it is so: {@link A}.\n   */\n  b: boolean;\n}',
      '/** Whatever {@link C.d} holds. @returns Which one, {@link e} or [f](f.md). */\nfunction f() {\n  /** That much. */\n  const g = 1;\n}',
      "/* How it works. */\nconst text = '/** What it says. */';",
    ].join('\n'),
  );
  expect(questions(found)).toEqual(['packages/a/src/b.ts:1', 'packages/a/src/b.ts:3', 'packages/a/src/b.ts:10']);
  expect(lostNames(found)).toEqual(['packages/a/src/b.ts:8: C', 'packages/a/src/b.ts:8: e']);
  expect(deadLinksOf(found)).toEqual(['packages/a/src/b.ts:8: f.md']);
});
