import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { parseFeatureWeights, type ValueRange, type ValueRangeName, valueRanges } from '@dpar/eval';
import { formatOf } from '@dpar/io';
import { externalDataFiles } from '@dpar/onnx';
import { DparError } from '@dpar/tensor';
import type { PerceptualNetwork } from '@dpar/tokenizer';
import { checkArguments } from '../check-arguments.js';
import { inceptionPerceptualNetwork, onnxPerceptualNetwork } from './networks.js';

/** Options of {@link loadPerceptualNetwork}. */
export interface PerceptualNetworkOptions {
  /**
   * Layers to compare. ONNX: names of outputs, inner tensors or nodes; default: all outputs. Inception: `64`, `192`, `768` and
   * `2048`, the channels of its pooling stages; default: all four.
   */
  readonly layers?: readonly string[] | undefined;
  /**
   * Values that the network was trained with: a name, or a mean and deviation of bytes. Default: `imagenet` for ONNX, `signed` for
   * Inception.
   */
  readonly range?: ValueRangeName | ValueRange | undefined;
  /**
   * Width and height in pixels that images are resized to. Default: those of the network; images keep their size if it takes any.
   * Inception has 299. A smaller size costs less: work grows with the number of pixels.
   */
  readonly size?: number | undefined;
}

const optionsKinds: KindsOf<PerceptualNetworkOptions> = {
  'layers?': 'string[]',
  'range?': ['string', { mean: 'number | number[]', deviation: 'number | number[]' }],
  'size?': 'number',
};

/** A loaded network of a perceptual loss. */
export interface LoadedPerceptualNetwork {
  /** Display name. */
  readonly name: string;
  /** SHA-256 of its files, 64 hexadecimal digits. A resumed run checks that it is the same. */
  readonly digest: string;
  /** Its weights are constants of the functions that use it. */
  readonly network: PerceptualNetwork;
}

/**
 * Loads a network for `perceptualLoss`: an ONNX file, with its files of external data, or the Inception-v3 of pytorch-fid (its `.pth`
 * file, or safetensors with the same names).
 * @throws DparError if a file is missing or is no such network, an option does not fit it, or it has operators that are not
 * supported.
 */
export async function loadPerceptualNetwork(
  path: string,
  options: PerceptualNetworkOptions = {},
): Promise<LoadedPerceptualNetwork> {
  checkArguments('loadPerceptualNetwork', { path, options }, { path: 'string', 'options?': optionsKinds });
  const { layers, size } = options;
  if (size !== undefined && !(Number.isInteger(size) && size > 0)) {
    throw new DparError(
      `loadPerceptualNetwork: expected 'size' to be a whole number of pixels >= 1, got ${size}. Pass one such as 128.`,
    );
  }
  const settings = { layers, size, range: rangeOf(options.range) };
  const bytes = await readNetworkFile(path);
  const hash = createHash('sha256').update(bytes);
  const format = formatOf(bytes);
  if (format?.own === 'pytorch' || format?.own === 'safetensors') {
    const network = inceptionPerceptualNetwork(await parseFeatureWeights(bytes), settings);
    return { name: network.name, digest: hash.digest('hex'), network };
  }
  if (format !== undefined) {
    throw new DparError(
      `loadPerceptualNetwork: expected an ONNX file or pytorch-fid's weights in '${path}', got ${format.what}. ${format.remedy}`,
    );
  }
  const files: Record<string, Uint8Array> = {};
  for (const location of dataFiles(bytes)) {
    files[location] = await readNetworkFile(placeBeside(path, location));
    hash.update(files[location]);
  }
  const network = onnxPerceptualNetwork(basename(path), bytes, files, settings);
  return { name: network.name, digest: hash.digest('hex'), network };
}

function rangeOf(range: PerceptualNetworkOptions['range']): ValueRange | undefined {
  if (typeof range !== 'string') return range;
  if (Object.hasOwn(valueRanges, range)) return valueRanges[range];
  throw new DparError(
    `loadPerceptualNetwork: expected 'range' to be one of ${Object.keys(valueRanges).join(', ')}, or a mean and a deviation of ` +
      `bytes, got '${range}'. Pass one of these. The network's model card states it.`,
  );
}

async function readNetworkFile(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const got = cause.code === 'ENOENT' ? 'no such file' : cause.code === 'EISDIR' ? 'a folder' : cause.code;
    throw new DparError(
      `loadPerceptualNetwork: expected a file of a network at '${path}', got ${got}. Check the path. A file of external data must ` +
        'lie beside its ONNX file.',
      { cause },
    );
  });
}

/** Files of external data; none for bytes that are no ONNX file, which are refused later. */
function dataFiles(bytes: Uint8Array): string[] {
  try {
    return externalDataFiles(bytes);
  } catch {
    return [];
  }
}

/** Path of a file of external data. @throws DparError if it lies outside the folder of its ONNX file. */
function placeBeside(path: string, location: string): string {
  if (!isAbsolute(location) && !normalize(location).startsWith('..')) return join(dirname(path), location);
  throw new DparError(
    `loadPerceptualNetwork: expected external data in the folder of '${path}', got '${location}'. Export the network again.`,
  );
}
