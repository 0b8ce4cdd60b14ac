import { renderMermaidSVG } from 'beautiful-mermaid';

const colors = { bg: 'var(--color-background)', fg: 'var(--color-text)', transparent: true };

/**
 * Draws code blocks of the language mermaid as diagrams, with the colors and the fonts of the page.
 *
 * @param {import('markdown-it').default} markdown
 */
export function drawDiagrams(markdown) {
  const { fence } = markdown.renderer.rules;
  markdown.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info, content } = tokens[index];
    if (info.trim() !== 'mermaid') return fence(tokens, index, ...rest);
    const svg = renderMermaidSVG(content, colors).replace(/^ *(@import|text \{).*\n/gm, '');
    return `<div class="diagram">${svg}</div>`;
  };
}
