// Compiles the AssemblyScript of all packages: `assembly/name.ts` becomes `src/kernels/name.wasm.ts`, which exports the
// module as base64. Prints the files. With --check it writes nothing, and ends with status 1 if a file is out of date.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import asc from 'assemblyscript/asc';
import { root, say } from './process.mjs';

/** Options: no runtime, no allocation, and 3 pages of 64 KiB of memory, which fit the optimizer's arrays. */
const options = ['--optimizeLevel', '3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--initialMemory', '3'];

/** Largest module that browsers compile synchronously on the main thread. */
const maxBytes = 4096;

function findSources() {
  return readdirSync(join(root, 'packages')).flatMap((pkg) => {
    const folder = `packages/${pkg}/assembly`;
    if (!existsSync(join(root, folder))) return [];
    const names = readdirSync(join(root, folder)).filter((file) => file.endsWith('.ts'));
    return names.map((file) => ({ source: `${folder}/${file}`, name: basename(file, '.ts'), pkg }));
  });
}

/** Compiles a source to the bytes of a module. */
async function compile(source) {
  let wasm = new Uint8Array();
  const { error, stderr } = await asc.main([source, '--outFile', 'out.wasm', ...options], {
    readFile: (file) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : null),
    writeFile: (_, contents) => {
      wasm = contents;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`kernels: expected ${source} to compile, got ${error.message}.\n${stderr}`);
  if (wasm.length > maxBytes) {
    throw new Error(`kernels: expected at most ${maxBytes} bytes of ${source}, got ${wasm.length}. Split it.`);
  }
  return wasm;
}

/** TypeScript source that exports a module. */
function wrap(wasm, name, source) {
  const variable = `${name.replace(/-(.)/g, (_, letter) => letter.toUpperCase())}Wasm`;
  const base64 = Buffer.from(wasm).toString('base64');
  return `// Made of ${source} by \`npm run kernels\`: do not edit.\nexport const ${variable} =\n  '${base64}';\n`;
}

const check = process.argv.includes('--check');
for (const { source, name, pkg } of findSources()) {
  const target = `packages/${pkg}/src/kernels/${name}.wasm.ts`;
  const text = wrap(await compile(source), name, source);
  const path = join(root, target);
  if (!check) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    say(`kernels: expected ${target} to be compiled from ${source}, got an outdated file. Run 'npm run kernels'.`);
    process.exitCode = 1;
  }
  console.log(target);
}
