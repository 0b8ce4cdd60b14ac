/**
 * True if `DPAR_TFJS_NODE` names a native TensorFlow.js, for tests. Without one it warns that they are left out.
 * `build-tfjs-node` of `@dpar/engine-tfjs` compiles one.
 */
export function hasTfjsNode(): boolean {
  if (process.env.DPAR_TFJS_NODE) return true;
  console.warn('[tfjs-node] Tests on native TensorFlow.js are left out: DPAR_TFJS_NODE names no built package.');
  return false;
}
