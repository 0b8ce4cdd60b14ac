/**
 * Conformance cases that Chromium's software driver computes otherwise. WebGPU's language leaves them to drivers.
 * @see https://www.w3.org/TR/WGSL/#floating-point-accuracy
 */
export const differentInSwiftShader: readonly string[] = [];
