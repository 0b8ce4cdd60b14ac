import { join } from 'node:path';
import { root } from '@dpar/config/published';
import { run } from '../publish/commands.js';
import type { Project } from './project.js';

/** Module resolutions of TypeScript: that of bundlers and that of Node. */
export const resolutions = { bundler: 'ESNext', nodenext: 'NodeNext' } as const;

/**
 * Compiles `ts/*.ts` of a project. nodenext also checks the declarations of the packages.
 *
 * @returns Messages of the compiler; empty if there are none.
 */
export async function compile(project: Project, resolution: keyof typeof resolutions): Promise<string[]> {
  const config = `tsconfig.${resolution}.json`;
  const compilerOptions = {
    module: resolutions[resolution],
    moduleResolution: resolution,
    target: 'ES2022',
    lib: ['ES2023'],
    // Examples in READMEs are JavaScript, whose parameters have no types.
    strict: true,
    noImplicitAny: false,
    // The declarations are the same in both resolutions, so one check is enough.
    skipLibCheck: resolution === 'bundler',
    types: ['node'],
    rootDir: 'ts',
    outDir: `out-${resolution}`,
  };
  await project.write(config, JSON.stringify({ compilerOptions, include: ['ts'] }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout, stderr } = await run(
    process.execPath,
    [tsc, '--project', config, '--pretty', 'false'],
    project.folder,
  );
  return (stdout + stderr).split('\n').filter((line) => line !== '');
}
