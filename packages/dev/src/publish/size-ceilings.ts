/** Ceiling of an entry point's size, with its reason. */
export interface SizeCeiling {
  readonly bytes: number;
  readonly reason: string;
}

/**
 * Bytes of whole entry points, bundled without other packages, minified and compressed by gzip.
 * If one exceeds its ceiling, find out what was added; raise the ceiling only together with its reason. Checks of arguments
 * take 2.3 kB of each package.
 */
export const sizeCeilings: Readonly<Record<string, SizeCeiling>> = {
  '@dpar/tensor': {
    bytes: 23_000,
    reason: '40 primitives, each with shape rule, gradient, reference and checks of arguments; Philox in WebAssembly',
  },
  '@dpar/tensor/conformance': { bytes: 24_500, reason: 'for test runners: the package and some 700 cases' },
  '@dpar/rope': { bytes: 5_250, reason: 'a page that only rotates positions must not notice it; half are checks' },
  '@dpar/patchify': {
    bytes: 5_750,
    reason: 'a page that only makes patches must not notice it; half are checks, and a table of rules',
  },
  '@dpar/io': {
    bytes: 21_000,
    reason:
      'readers and writers of four formats, a third of it PyTorch pickles; names of other formats; pages import some',
  },
  '@dpar/io/node': {
    bytes: 29_000,
    reason: 'for Node: the formats again, in pieces and in several files, and files that appear whole',
  },
  '@dpar/shards': {
    bytes: 8_400,
    reason: 'the loop, records, parts in a folder and their recovery, and merging; a third are checks',
  },
  '@dpar/onnx': {
    bytes: 14_000,
    reason: 'reader of ONNX files and 85 operators in terms of the tensor interface; a sixth are checks',
  },
  '@dpar/images': {
    bytes: 6_300,
    reason: 'resizing as Pillow and evaluators do it, crops, and colours as CSS writes them; a third are checks',
  },
  '@dpar/images/node': {
    bytes: 20_000,
    reason:
      'for Node: image files as Pillow reads them, sets of images, threads that decode, batches of training images',
  },
  '@dpar/engine-ort': {
    bytes: 20_250,
    reason:
      'tracer, simplification and writer of graphs, in float16 too, sessions here, in a thread or on a GPU; beside 12 MB of ' +
      'onnxruntime-web',
  },
  '@dpar/engine-tfjs': {
    bytes: 12_000,
    reason: 'every primitive in calls of tfjs, errors of devices; beside 150 kB of tfjs-core',
  },
  '@dpar/nn': {
    bytes: 10_250,
    reason:
      'building blocks, three times: whole sequences, their beginnings for caches, one position at a time; what a kind of ' +
      'model is, with its checks',
  },
  '@dpar/entropy': { bytes: 5_750, reason: 'one model and its kind, the search for a threshold, correlations' },
  '@dpar/model': {
    bytes: 12_500,
    reason: 'two models and their kinds, their steps and prefixes, the boundary head, presets and costs',
  },
  '@dpar/model/node': { bytes: 10_750, reason: 'for Node: reads and writes models of all kinds' },
  '@dpar/sampler/onnx': { bytes: 6_000, reason: 'graphs of cached steps, with descriptions of inputs and outputs' },
  '@dpar/tokenizer': {
    bytes: 14_500,
    reason: 'two tokenizers and their kinds, tiles, and their training with its losses and a discriminator',
  },
  '@dpar/sampler': {
    bytes: 15_750,
    reason:
      'two samplers with caches on the host or a GPU, guidance, a queue of images with positions of their own, and prefixes: what the page of ' +
      'the playground loads',
  },
  '@dpar/train': {
    bytes: 28_750,
    reason:
      'trainers on the host or a GPU, also of a boundary head and of tokenizers, order of data, noise in tokens, configuration with a description of each key',
  },
  '@dpar/train/node': { bytes: 46_500, reason: 'for Node: the trainers again, data on disk, runs that resume' },
  '@dpar/checkpoint': {
    bytes: 12_250,
    reason: 'for Node: PyTorch and safetensors in both directions, configurations inferred from shapes',
  },
  '@dpar/eval': { bytes: 25_250, reason: 'five metrics, Inception-v3 and DINOv2 as functions, 4 kB of WebAssembly' },
  '@dpar/eval/node': {
    bytes: 22_500,
    reason: 'for Node: threads, which hold the kernels again, features on disk, Inception weights from files',
  },
  '@dpar/report': {
    bytes: 15_250,
    reason:
      'charts, also of a boundary head and a tokenizer, times of steps explained, pictures, patches and the style sheet of a page',
  },
  '@dpar/emoji': { bytes: 3_500, reason: 'finds files, and checks; the weights are beside it' },
  '@dpar/emoji/node': { bytes: 1_000, reason: 'the same from the disk' },
  '@dpar/pipeline': {
    bytes: 12_500,
    reason:
      'draws, completes and reads images, loads models over the network, grids; beside the sampler and onnxruntime-web',
  },
  '@dpar/pipeline/node': { bytes: 13_500, reason: 'for Node: the same from the disk, and files of pictures' },
  '@dpar/playground': {
    bytes: 59_000,
    reason:
      'for Node: writes and serves pages, with readers of models and a server built in; the page is files beside it',
  },
  '@dpar/cli': { bytes: 71_000, reason: 'for Node: all commands; each is small beside the runtime that it starts' },
};
