import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pnpm, run, runOrThrow } from '../publish/commands.js';

/** Package managers of users. */
export type PackageManager = 'npm' | 'pnpm';

/** A new project that uses the packages. */
export interface Project {
  readonly folder: string;
  /** Installs packages as a README does. @returns Warnings of the package manager. */
  readonly install: (packages: readonly string[]) => Promise<string>;
  /** Writes a file of the project. @returns Its path. */
  readonly write: (name: string, text: string) => Promise<string>;
  readonly remove: () => Promise<void>;
}

/** Makes an empty project that installs `@dpar` packages from the given registry, and others from npm's. */
export async function createProject(manager: PackageManager, registry: string): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), `dpar-fresh-${manager}-`));
  const write = async (name: string, text: string) => {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return path;
  };
  await write('package.json', '{ "name": "fresh", "version": "1.0.0", "private": true, "type": "module" }\n');
  // Without install scripts both package managers behave alike.
  await write(
    '.npmrc',
    `@dpar:registry=${registry}\nignore-scripts=true\nprefer-offline=true\naudit=false\nfund=false\n`,
  );
  const install = async (packages: readonly string[]): Promise<string> => {
    const [program, args]: [string, string[]] =
      manager === 'npm' ? ['npm', ['install', '--loglevel=warn', ...packages]] : ['npx', pnpm('add', ...packages)];
    const { status, stdout, stderr } = await run(program, args, folder);
    if (status !== 0) throw new Error(`install: expected ${manager} to install ${packages}, got:\n${stdout}${stderr}`);
    return `${stdout}${stderr}`;
  };
  return { folder, install, write, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** True if npm's registry answers. */
export async function hasRegistry(folder: string): Promise<boolean> {
  return (
    (await run('npm', ['view', 'fflate', 'version', '--fetch-retries=0', '--fetch-timeout=10000'], folder)).status === 0
  );
}

/**
 * Runs programs one after the other in one process of Node.
 * @param workingFolder Folder in which they write files.
 * @returns Their outputs.
 */
export async function runPrograms(folder: string, files: readonly string[], workingFolder = folder): Promise<string[]> {
  const text = await runOrThrow(process.execPath, [join(folder, 'runner.mjs'), ...files], workingFolder);
  return JSON.parse(text.slice(text.lastIndexOf('\n[') + 1)) as string[];
}

/** Program that imports files and writes their outputs as JSON on the last line. */
export const runner = `
import { formatWithOptions } from 'node:util';
import { pathToFileURL } from 'node:url';
const printed = [];
for (const file of process.argv.slice(2)) {
  const lines = [];
  console.log = (...values) => lines.push(formatWithOptions({ colors: false }, ...values));
  try {
    await import(pathToFileURL(file));
  } catch (error) {
    lines.push(String(error.stack));
  }
  printed.push(lines.join('\\n'));
}
process.stdout.write('\\n' + JSON.stringify(printed));
process.exit(0);
`;
