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
    take(app, event.dataTransfer.files);
  });
  addEventListener('paste', (event) => take(app, event.clipboardData?.files));
}

/** Adds pictures to those that the model is trained on, or shows the first one. */
function take(app: App, files: FileList | undefined): void {
  const [file] = files ?? [];
  if (!files || !file) return;
  if (app.state.tab === 'train') {
    void app.training?.addFiles([...files]);
    return;
  }
  app.set(app.state, { tab: app.state.tab === 'compare' ? 'look' : app.state.tab });
  void app.showFile(file, file.name);
}
