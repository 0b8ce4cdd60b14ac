/** Places to go back to. */
const remembered = 12;

/**
 * Keeps the keyboard's focus in the page when the focused control goes away: it returns to the control that had it before,
 * or else to `fallback`. Without it browsers start again at the top of the page.
 */
export class FocusKeeper {
  /** Controls that had the focus, the latest last. */
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

  /** Shows the page anew with `render`, and gives the focus to a control that is still there. */
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
