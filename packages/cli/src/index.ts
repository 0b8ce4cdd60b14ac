export { run } from './cli.js';
export type { Streams } from './context.js';
