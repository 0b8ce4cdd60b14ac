export { type LoadOptions, loadModel, saveModel } from './load.js';
