/**
 * Conformance cases that Chromium's software driver computes otherwise: NaN and infinities, and sines and cosines, which are
 * accurate to 2e-4. WebGPU's language leaves them to drivers.
 * @see https://www.w3.org/TR/WGSL/#floating-point-accuracy
 */
export const differentInSwiftShader: readonly string[] = [
  'exp of float32[7], special values',
  'log of float32[7], special values',
  'sin of float32[]',
  'sin of float32[1]',
  'sin of float32[7]',
  'sin of float32[2, 3]',
  'gradient of sin of float32[2, 3]',
  'sin of float32[2, 1, 3]',
  'sin of float32[5], special values',
  'cos of float32[]',
  'gradient of cos of float32[]',
  'cos of float32[1]',
  'gradient of cos of float32[1]',
  'cos of float32[7]',
  'gradient of cos of float32[7]',
  'cos of float32[2, 3]',
  'cos of float32[2, 1, 3]',
  'gradient of cos of float32[2, 1, 3]',
  'cos of float32[5], special values',
  'sigmoid of float32[8], special values',
];
