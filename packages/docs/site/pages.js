import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { publishedPackages, root } from '@dpar/config/published';
import { Comment, Converter, DocumentReflection, IndexEvent, KindRouter, MinimalSourceFile } from 'typedoc';
import { markdownFiles } from './markdown.js';

/** Web page of the repository. */
export const repository = 'https://github.com/dpar-ts/dpar';

/** Groups of the navigation, by the folder of a page's file. All other pages are of the group Contributing. */
const groups = { examples: 'Examples', 'packages/docs/guides': 'Guides', 'packages/docs/decisions': 'Decisions' };

/** Absolute path, with '/' on all systems. */
const absolute = (path) => posix.join(root.replaceAll('\\', '/'), path);

/**
 * A plugin of TypeDoc that makes a page of each Markdown file. README.md is the front page. A package's README becomes
 * part of the package's page. Files below the folder of another README become pages below its page.
 *
 * @param {import('typedoc').Application} app
 */
export function addPages(app) {
  app.renderer.defineRouter('pages', PageRouter);
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const pages = new Map([['.', project], ...modulesByFolder(project)]);
    for (const path of pageFiles()) {
      const folder = posix.dirname(path);
      const isReadme = posix.basename(path) === 'README.md';
      const text = readFileSync(absolute(path), 'utf8');
      const [heading = '', title = path] = /^# (.+)\n/m.exec(text) ?? [];
      const parse = (markdown) => {
        const file = new MinimalSourceFile(linkToSources(markdown, folder), absolute(path));
        return app.converter.parseRawComment(file, project.files).content;
      };
      let page = isReadme ? pages.get(folder) : undefined;
      if (page === undefined) {
        page = new DocumentReflection(title, nearest(pages, folder), parse(text), { group: groupOf(folder) });
        page.parent.addChild(page);
        project.registerReflection(page, undefined, absolute(path));
      } else {
        // A package's page has a heading of its own.
        page.readme = parse(page === project ? text : text.replace(heading, ''));
        project.files.registerReflectionPath(absolute(path), page);
      }
      if (isReadme) pages.set(folder, page);
    }
    for (const [folder, page] of pages) project.files.registerReflectionPath(absolute(folder), page);
  });
  // The search reads documents only; READMEs are parts of other pages.
  app.renderer.on(IndexEvent.PREPARE_INDEX, ({ searchResults, searchFields }) => {
    for (const [index, { readme }] of searchResults.entries()) {
      if (readme !== undefined) searchFields[index].document = Comment.combineDisplayParts(readme);
    }
  });
}

/** Markdown files in the order in which README.md links to them, then the others. Notes of changes are no pages. */
function pageFiles() {
  const readme = readFileSync(absolute('README.md'), 'utf8');
  const place = (path) => (readme.includes(`(${path})`) ? readme.indexOf(`(${path})`) : readme.length);
  return markdownFiles(root)
    .filter((path) => !path.startsWith('.'))
    .sort((a, b) => place(a) - place(b));
}

/** Pages of the published packages: those of their main entry points. */
const modulesByFolder = (project) =>
  publishedPackages()
    .map(({ name, folder }) => [folder, project.children.find((module) => module.name === name)])
    .filter(([, module]) => module !== undefined);

/** The page of the nearest folder above that has one. */
const nearest = (pages, folder) => pages.get(folder) ?? nearest(pages, posix.dirname(folder));

const groupOf = (folder) => Object.entries(groups).find(([start]) => folder.startsWith(start))?.[1] ?? 'Contributing';

/** Lets links to files that are neither pages nor pictures lead to the repository on the web. */
function linkToSources(text, folder) {
  return text.replace(/\]\(([^\s)#:]+)(#[^\s)]*)?\)/g, (link, target, anchor = '') => {
    const path = posix.join(folder, target);
    const isShown = /\.(md|png|svg|jpe?g|gif|webp)$/.test(path) || existsSync(absolute(`${path}/README.md`));
    return isShown || !existsSync(absolute(path)) ? link : `](${repository}/blob/main/${path}${anchor})`;
  });
}

/** Names the pages of Markdown files by their paths: guides/engines.html, examples/emoji.html. */
class PageRouter extends KindRouter {
  getIdealBaseName(reflection) {
    if (!reflection.isDocument()) return super.getIdealBaseName(reflection);
    const path = reflection.project.files.getReflectionPath(reflection);
    return posix.relative(absolute(''), path).replace(/^packages\/docs\/|(\/README)?\.md$/g, '');
  }
}
