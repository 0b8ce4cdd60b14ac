import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { brotliFiles } from './build/brotli.js';
import { contentSecurityPolicyTag } from './build/content-security-policy.js';
import { modelOfPage } from './build/model.js';
import { responseHeaders } from './src/security.js';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const { 'Content-Security-Policy': _, ...developmentHeaders } = responseHeaders;

/** Model folder that the development server shows: `DPAR_MODEL`, or that of @dpar/emoji. */
const model = process.env.DPAR_MODEL ?? path('../emoji/model');

export default defineConfig({
  root: path('.'),
  // The page may lie in any folder of a server.
  base: './',
  resolve: {
    // Of onnxruntime-web, the build whose WebAssembly is a file of its own: its threads load that file, not this program.
    conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'],
    // Runs of a few rows gain nothing from a graphics processor, whose build has 27 MB: it is left out.
    alias: { 'onnxruntime-web/webgpu': 'onnxruntime-web/wasm' },
  },
  // The development server would move it away from the files that it looks for beside it.
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  worker: { format: 'es' },
  server: { headers: developmentHeaders },
  plugins: [contentSecurityPolicyTag(), modelOfPage(model), brotliFiles()],
  build: {
    outDir: 'dist/page',
    target: 'es2022',
    // The security policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: {
        page: path('index.html'),
        'service-worker': path('src/service-worker/service-worker.ts'),
      },
      output: {
        // A service worker's address stays the same, and what it may see is its own folder.
        entryFileNames: ({ name }) => (name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
});
