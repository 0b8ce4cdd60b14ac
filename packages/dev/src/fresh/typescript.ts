import { join } from 'node:path';
import { root } from '@dpar/config/published';
import { run } from '../publish/commands.js';
import type { Project } from './project.js';

/** How TypeScript finds packages: as bundlers do it, and as Node does it. */
export const resolutions = { bundler: 'ESNext', nodenext: 'NodeNext' } as const;

/**
 * Compiles `ts/*.ts` of a project to `ts/<resolution>/`, with nodenext checking the packages' declarations too.
 *
 * @returns The compiler's messages, one a line; empty if there are none.
 */
export async function compile(project: Project, resolution: keyof typeof resolutions): Promise<string[]> {
  const config = `tsconfig.${resolution}.json`;
  const compilerOptions = {
    module: resolutions[resolution],
    moduleResolution: resolution,
    target: 'ES2022',
    lib: ['ES2023'],
    // The examples are JavaScript as it stands in READMEs, whose parameters have no types.
    strict: true,
    noImplicitAny: false,
    // Once is enough: declarations are the same, found in another way.
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
