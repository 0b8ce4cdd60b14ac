import type { App } from '../app.js';

/** Accepts images that are dropped anywhere on the page, or pasted. */
export function acceptImages(app: App): void {
  const { classList } = document.documentElement;
  addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    classList.add('dropping');
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) classList.remove('dropping');
  });
  addEventListener('drop', (event) => {
    classList.remove('dropping');
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    show(app, event.dataTransfer.files[0]);
  });
  addEventListener('paste', (event) => show(app, event.clipboardData?.files[0]));
}

function show(app: App, file: File | undefined): void {
  if (!file) return;
  app.set(app.state, { tab: app.state.tab === 'compare' ? 'look' : app.state.tab });
  void app.showFile(file, file.name);
}
