import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import GithubSlugger from 'github-slugger';
import MarkdownIt from 'markdown-it';
import { parse } from 'parse5';

/**
 * Links and anchors of an HTML page.
 *
 * @returns `links`: what `href` and `src` hold; `anchors`: what `id` and the `name` of links hold.
 */
export function readHtml(text) {
  const page = { links: [], anchors: new Set() };
  const visit = (node) => {
    for (const { name, value } of node.attrs ?? []) {
      if (name === 'href' || name === 'src') page.links.push(value);
      if (name === 'id' || (name === 'name' && node.tagName === 'a')) page.anchors.add(value);
    }
    for (const child of node.childNodes ?? []) visit(child);
  };
  visit(parse(text));
  return page;
}

/** Links and anchors of a Markdown page; its headings have the anchors that GitHub makes. */
export const readMarkdown = (text) => readHtml(markdown.render(text, { slugger: new GithubSlugger() }));

const markdown = new MarkdownIt({ html: true });
// Links are reported as they are written.
markdown.validateLink = () => true;
markdown.normalizeLink = (link) => link;
markdown.renderer.rules.heading_open = (tokens, index, _options, { slugger }) => {
  const words = tokens[index + 1].children.map(({ content }) => content).join('');
  return `<h1 id="${slugger.slug(words)}">`;
};

/**
 * Links that lead nowhere, as `page: link`. A link must lead to a file or folder below the root, and its anchor to one of
 * the target's, or to a line of a source file. Links to other sites must be well-formed.
 *
 * @param {string} root Folder of the pages.
 * @param {ReadonlyMap<string, { links: string[], anchors: Set<string> }>} pages Pages by path below the root, with '/'.
 */
export function deadLinks(root, pages) {
  return [...pages].flatMap(([path, { links }]) =>
    links
      .filter((link) => !(isExternal(link) ? URL.canParse(link) : leads(root, pages, path, link)))
      .map((link) => `${path}: ${link}`),
  );
}

/** {@link deadLinks} of a built site. */
export function deadLinksOfSite(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((path) => /\.(html|svg)$/.test(path));
  const read = (path) => readHtml(readFileSync(join(folder, path), 'utf8'));
  return deadLinks(folder, new Map(files.map((path) => [path.replaceAll(sep, '/'), read(path)])));
}

const isExternal = (link) => /^(\/\/|[a-z][a-z\d+.-]*:)/i.test(link);

function leads(root, pages, from, link) {
  const [, path = '', anchor = ''] = /^([^?#]*)(?:\?[^#]*)?#?(.*)$/s.exec(decode(link)) ?? [];
  const target = path === '' ? from : posix.join(posix.dirname(from), path);
  const file = join(root, target);
  if (target.startsWith('..') || !existsSync(file)) return false;
  if (anchor === '') return true;
  const indexes = ['README.md', 'index.html'].map((name) => posix.join(target, name));
  const page = [target, ...indexes].map((name) => pages.get(name)).find((known) => known !== undefined);
  if (page !== undefined) return page.anchors.has(anchor);
  const [, line] = /^L(\d+)(-L\d+)?$/.exec(anchor) ?? [];
  return line !== undefined && statSync(file).isFile() && Number(line) <= readFileSync(file, 'utf8').split('\n').length;
}

/** The link without its `%20`; as it is if that is malformed. */
function decode(link) {
  try {
    return decodeURIComponent(link);
  } catch {
    return link;
  }
}
