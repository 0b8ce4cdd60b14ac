import { Converter } from 'typedoc';

/**
 * A plugin of TypeDoc that names modules as they are imported.
 *
 * @param {import('typedoc').Application} app
 * @param {ReadonlyMap<string, string>} entryPoints Name of each module to its source file.
 */
export function nameModules(app, entryPoints) {
  const names = new Map([...entryPoints].map(([name, file]) => [file.replaceAll('\\', '/'), name]));
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    for (const module of context.project.children ?? []) {
      const file = context.project.files.getReflectionPath(module);
      const name = names.get(file);
      if (name === undefined) throw new Error(`nameModules: expected an entry point of a package, got ${file}.`);
      module.name = name;
    }
  });
}
