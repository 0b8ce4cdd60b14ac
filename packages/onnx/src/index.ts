export { externalDataFiles } from './decode.js';
export type { OnnxPort } from './model.js';
export { type OnnxNetwork, type OnnxNetworkOptions, readOnnxNetwork } from './network.js';
export type { ExternalFiles } from './tensor-data.js';
