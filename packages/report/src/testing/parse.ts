import { type DefaultTreeAdapterTypes, defaultTreeAdapter, parse } from 'parse5';
import { expect } from 'vitest';

type Node = DefaultTreeAdapterTypes.Node;

/** An element of a parsed page. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** All text in it, with single spaces. */
  readonly text: string;
}

/** All elements of a page in their order; fails if the page is not well-formed. */
export function parsePage(page: string): Element[] {
  const errors: string[] = [];
  const document = parse(page, { onParseError: ({ code, startLine }) => errors.push(`${code} in line ${startLine}`) });
  expect(errors).toEqual([]);
  const elements: Element[] = [];
  const visit = (node: Node): string => {
    if (defaultTreeAdapter.isTextNode(node)) return node.value;
    if (!('childNodes' in node)) return '';
    const at = elements.length;
    if (defaultTreeAdapter.isElementNode(node)) elements.push({ name: node.tagName, attributes: {}, text: '' });
    const text = node.childNodes.map(visit).join('');
    if (defaultTreeAdapter.isElementNode(node)) {
      const attributes = Object.fromEntries(node.attrs.map(({ name, value }) => [name, value]));
      elements[at] = { name: node.tagName, attributes, text: text.replace(/\s+/g, ' ').trim() };
    }
    return text;
  };
  visit(document);
  return elements;
}

/** The texts of all elements of a name, or of those that have a CSS class. */
export function textsOf(elements: readonly Element[], name: string, style?: string): string[] {
  return elements
    .filter((element) => element.name === name && (style === undefined || hasClass(element, style)))
    .map(({ text }) => text);
}

/** True if an element has a CSS class. */
export function hasClass({ attributes }: Element, style: string): boolean {
  return (attributes.class ?? '').split(' ').includes(style);
}

/** The points of a path of straight lines, one list for each piece. */
export function pointsOf(path: string): [number, number][][] {
  return path
    .split('M')
    .slice(1)
    .map((piece) => piece.split('L').map((pair) => pair.replace('Z', '').split(',').map(Number) as [number, number]));
}
