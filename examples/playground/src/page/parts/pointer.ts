const coarse = matchMedia('(pointer: coarse)');

/** Whether the visitor points with a finger rather than with a mouse: texts then speak of touching. */
export function isTouch(): boolean {
  return coarse.matches;
}

/** Calls back when a mouse or keyboard was attached to a tablet, or taken away. */
export function onPointerChange(onChange: () => void): void {
  coarse.addEventListener('change', onChange);
}
