const coarse = matchMedia('(pointer: coarse), (hover: none)');

/** True if the visitor points with a finger, or cannot hover. Texts then say "touch". */
export function isTouch(): boolean {
  return coarse.matches;
}

/** Calls back when a mouse is attached to a tablet or removed. */
export function onPointerChange(onChange: () => void): void {
  coarse.addEventListener('change', onChange);
}
