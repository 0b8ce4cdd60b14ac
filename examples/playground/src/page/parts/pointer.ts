const coarse = matchMedia('(pointer: coarse)');

/** Tells if the visitor points with a finger, so that texts speak of touching. */
export function isTouch(): boolean {
  return coarse.matches;
}

/** Calls back when a mouse is attached to a tablet or removed. */
export function onPointerChange(onChange: () => void): void {
  coarse.addEventListener('change', onChange);
}
