import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { publishedPackages, root } from '@dpar/config/published';
import { Converter, DocumentReflection, MinimalSourceFile } from 'typedoc';
import { markdownFiles } from './markdown.js';

/** Web page of the repository. */
export const repository = 'https://github.com/dpar-ts/dpar';

/** Groups of the navigation, by the folder of a page's file. All other pages are of the group Contributing. */
const groups = { examples: 'Examples', 'packages/docs/guides': 'Guides', 'packages/docs/decisions': 'Decisions' };

/**
 * A plugin of TypeDoc that makes a page of each Markdown file. README.md is the front page. A package's README becomes
 * part of the package's page. Files below the folder of a README become pages below its page.
 *
 * @param {import('typedoc').Application} app
 */
export function addPages(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const pages = new Map([['.', project], ...modulesByFolder(project)]);
    // Notes of changes get into pages with the change logs of a release.
    for (const path of markdownFiles(root).filter((path) => !path.startsWith('.'))) {
      const folder = posix.dirname(path);
      const isReadme = posix.basename(path) === 'README.md';
      const text = readFileSync(join(root, path), 'utf8');
      const [heading = '', title = path] = /^# (.+)\n/m.exec(text) ?? [];
      const parse = (markdown) => {
        const file = new MinimalSourceFile(linkToSources(markdown, folder), join(root, path));
        return app.converter.parseRawComment(file, project.files).content;
      };
      let page = isReadme ? pages.get(folder) : undefined;
      if (page === undefined) {
        page = new DocumentReflection(title, nearest(pages, folder), parse(text), { group: groupOf(folder) });
        page.parent.addChild(page);
        project.registerReflection(page);
      } else {
        // These pages have headings of their own.
        page.readme = parse(page === project ? text : text.replace(heading, ''));
      }
      project.files.registerReflectionPath(join(root, path), page);
      if (isReadme) pages.set(folder, page);
    }
    for (const [folder, page] of pages) project.files.registerReflectionPath(join(root, folder), page);
  });
}

/** Pages of the published packages: those of their main entry points. */
const modulesByFolder = (project) =>
  publishedPackages().map(({ name, folder }) => [folder, project.children.find((module) => module.name === name)]);

/** The page of the nearest folder above that has one. */
const nearest = (pages, folder) => pages.get(folder) ?? nearest(pages, posix.dirname(folder));

const groupOf = (folder) => Object.entries(groups).find(([start]) => folder.startsWith(start))?.[1] ?? 'Contributing';

/** Lets links to files that are neither pages nor pictures lead to the repository on the web. */
function linkToSources(text, folder) {
  return text.replace(/\]\(([^\s)#:]+)(#[^\s)]*)?\)/g, (link, target, anchor = '') => {
    const path = posix.join(folder, target);
    const isShown = /\.(md|png|svg|jpe?g|gif|webp)$/.test(path) || existsSync(join(root, path, 'README.md'));
    return isShown || !existsSync(join(root, path)) ? link : `](${repository}/blob/main/${path}${anchor})`;
  });
}
