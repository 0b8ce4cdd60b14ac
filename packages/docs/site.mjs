// Builds the documentation site in packages/docs/output and checks its links (`npm run docs`).
import { Application } from 'typedoc';
import { deadLinksOfSite } from './site/links.js';
import options from './typedoc.config.js';

const app = await Application.bootstrapWithPlugins(options);
const project = await app.convert();
if (project !== undefined) {
  app.validate(project);
  await app.generateDocs(project, options.out);
  for (const link of deadLinksOfSite(options.out)) app.logger.error(`dead link in ${link}`);
}
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
else console.log(`${options.out}/index.html`);
