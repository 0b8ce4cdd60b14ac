import { messageOf } from './message-of.js';
import { ModelClient } from './page/client.js';
import { readManifest } from './page/read-manifest.js';

// The worker and the manifest are loaded while the page's own program is still on its way.
const manifest = readManifest();
const client = new ModelClient(manifest, 1);
const root = document.getElementById('app') as HTMLElement;
const { showPage, showFailure } = await import('./page/show-page.js');
try {
  showPage(root, await manifest, client);
} catch (error) {
  showFailure(root, messageOf(error));
}
