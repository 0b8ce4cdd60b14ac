export * from './sets/index.js';
