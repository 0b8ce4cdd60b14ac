export { run } from './cli.js';
export type { Streams } from './command/command.js';
