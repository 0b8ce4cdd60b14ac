import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { servePage } from './serve.js';

const usage = 'usage: npm run playground -- [--port N] (default: 4173)';

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '4173' } } });
  const port = Number(values.port);
  if (!(Number.isInteger(port) && port >= 0 && port < 65536)) {
    throw new Error(`playground: expected a port from 0 (any) to 65535, got '${values.port}'. ${usage}`);
  }
  const folder = fileURLToPath(new URL('./page', import.meta.url));
  if (!existsSync(folder)) {
    throw new Error(`playground: expected the built page in '${folder}', got nothing. Run: npm run build`);
  }
  const { url } = await servePage(folder, { port });
  console.log(`The playground is at ${url} (Ctrl-C stops it).`);
}

main().catch((error: NodeJS.ErrnoException) => {
  const taken = error.code === 'EADDRINUSE' ? ` Another program has this port. ${usage}` : '';
  console.error(`${error.message}${taken}`);
  process.exitCode = 1;
});
