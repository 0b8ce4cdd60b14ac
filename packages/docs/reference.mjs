// Makes the API reference of all published packages in packages/docs/output: HTML pages with a search.
import { Application } from 'typedoc';
import options from './typedoc.config.js';

const app = await Application.bootstrapWithPlugins(options);
const project = await app.convert();
if (project === undefined) {
  process.exitCode = 1;
} else {
  app.validate(project);
  await app.generateDocs(project, options.out);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
  else console.log(`${options.out}/index.html`);
}
