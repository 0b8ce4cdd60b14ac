export { readInceptionWeights } from './inception/read-weights.js';
