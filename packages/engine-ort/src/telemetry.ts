/**
 * Keeps onnxruntime-node from reporting its use to its maker, which version 1.29 began with: it would send events, and keep an
 * identifier of the machine and a cache in the home folder. Works before the package is loaded, in the main thread. A value
 * that ORT_DISABLE_TELEMETRY has already stays.
 */
export function disableTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
}
