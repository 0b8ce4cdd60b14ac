import { ModelClient } from './page/client.js';

// The worker starts while the page's own program is still on its way.
const client = new ModelClient(1);
const { showPage } = await import('./page/show-page.js');
showPage(document.getElementById('app') as HTMLElement, client);
