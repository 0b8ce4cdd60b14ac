export { type AttentionParams, attention } from './attention.js';
export { type BlockDropout, type BlockParams, transformerBlock } from './block.js';
export {
  type ArgumentKind,
  type ArgumentKinds,
  argumentKinds,
  described,
  type Field,
  type Fields,
  nested,
  numberAbove,
  numberIn,
  oneOf,
  optional,
  orNull,
  readConfig,
  snakeCase,
  trueOrFalse,
  wholeNumber,
  wholeNumbers,
  writeConfig,
} from './config.js';
export {
  type BlockCache,
  type CacheSelection,
  type DecodeResult,
  type DecodeStep,
  decodeBlock,
  decodeStack,
  scaledTable,
} from './decode.js';
export {
  classNumbers,
  type DescribedGraph,
  floats,
  type GraphDescription,
  type GraphInput,
  integers,
  signatureOf,
} from './described-graph.js';
export { type Dropout, type DropoutKind, type DropoutPlace, dropout, type Training } from './dropout.js';
export { type FeedForwardParams, feedForwardWidth, swiGlu } from './feed-forward.js';
export {
  dropTokens,
  gptLogits,
  gptMatmulMacs,
  gptSpecs,
  gptStep,
  hasGptBlocks,
  predictions,
  prependClass,
} from './gpt.js';
export { classRows, type GptConfig, type GridConfig, gptFields, hasNullClass, type StackConfig } from './gpt-config.js';
export {
  type EntropySource,
  entropySourceOf,
  type ImageArchitecture,
  type ImageBatch,
  type ImageConfig,
  type ImageModel,
  type ImageModelKind,
  type InputOptions,
  imageTokens,
  nullClassOf,
  teacherForcedGraph,
  withoutPatches,
} from './image-model.js';
export { embedding, linear } from './linear.js';
export { crossEntropy, entropyOfLogits } from './loss.js';
export { additiveMask, blockCausalMask, causalMask, masked } from './mask.js';
export {
  type Architecture,
  architectureArgument,
  architectureOf,
  type ConfigOf,
  checkedParameters,
  type Json,
  kindNames,
  kindOfConfig,
  type Model,
  type ModelKind,
  type ModelOfKind,
  madeFromFiles,
  modelArgument,
  modelOf,
} from './model-kind.js';
export {
  checkParameters,
  countParameters,
  formatProblems,
  type Initializer,
  initializeParameters,
  ones,
  type ParameterSpec,
  type ParameterSpecs,
  parameterProblems,
  standardNormal,
  truncatedNormal,
  zeros,
} from './parameters.js';
export { type PrefillInputs, type PrefillResult, prefillBlock, prefillStack } from './prefill.js';
export { checkHeads, gridRotaryData, gridRotaryTable } from './rotary-table.js';
export { attentionMacs, blockMacs, namedBlock, stackSpecs, transformerStack } from './stack.js';
