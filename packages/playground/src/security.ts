/**
 * Content security policy: the page may load its own files only. `wasm-unsafe-eval` lets WebAssembly compile. Scripts from
 * text, inline scripts and inline styles are forbidden. `blob:` images are previews of dropped files.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "img-src 'self' blob:",
  "style-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/**
 * Headers of every response. The first two make the page cross-origin isolated, which threads of WebAssembly need.
 * Workers take the policy from headers, a page also from its HTML.
 */
export const responseHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy': contentSecurityPolicy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
} as const;
