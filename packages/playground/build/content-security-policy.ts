import type { Plugin } from 'vite';
import { contentSecurityPolicy } from '../src/security.js';

/** Writes the policy into the built page, for hosts that do not send our headers. The development server injects styles. */
export function contentSecurityPolicyTag(): Plugin {
  return {
    name: 'dpar:content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: contentSecurityPolicy },
        injectTo: 'head-prepend',
      },
    ],
  };
}
