/** Number of remembered controls. */
const remembered = 12;

/**
 * Keeps the keyboard's focus in the page when the focused control disappears. The focus returns to the previous control,
 * or to `fallback`. Browsers would start again at the top of the page.
 */
export class FocusKeeper {
  /** Controls that had the focus, newest last. */
  private readonly visited: HTMLElement[] = [];

  constructor(
    root: HTMLElement,
    private readonly fallback: () => HTMLElement | null,
  ) {
    root.addEventListener('focusin', ({ target }) => {
      this.visited.push(target as HTMLElement);
      if (this.visited.length > remembered) this.visited.shift();
    });
  }

  /** Renders the page, and gives the focus to a control that still exists. */
  during(render: () => void): void {
    const before = document.activeElement;
    render();
    if (before !== this.visited.at(-1) || isShown(before)) return;
    const earlier = this.visited.findLast(isShown) ?? this.fallback();
    earlier?.focus({ preventScroll: true });
  }
}

function isShown(element: Element | null | undefined): boolean {
  return element?.isConnected === true && element.getClientRects().length > 0;
}
