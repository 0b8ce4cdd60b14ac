export interface Page {
  readonly links: string[];
  readonly anchors: Set<string>;
}

export function readHtml(text: string): Page;
export function readMarkdown(text: string): Page;
export function deadLinks(root: string, pages: ReadonlyMap<string, Page>): string[];
export function deadLinksOfSite(folder: string): string[];
