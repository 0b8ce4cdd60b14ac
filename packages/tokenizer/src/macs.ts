import { architectureArgument } from '@dpar/nn';
import { countMacs, type TensorType } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import type { TokenizerArchitecture } from './training/losses.js';

/**
 * Multiply-accumulates of the convolutions and matrix products of a tokenizer for one image of its configuration, among them the
 * comparison with all codes.
 */
export function tokenizerMacs(model: TokenizerArchitecture): {
  readonly encode: number;
  readonly decode: number;
} {
  checkArguments('tokenizerMacs', { model }, { model: architectureArgument });
  const { kind, config } = model;
  const { imageSize: S } = config;
  const parameters = Object.fromEntries(
    Object.entries(kind.specs(config)).map(([name, { shape }]): [string, TensorType] => [
      name,
      { dtype: 'float32', shape },
    ]),
  );
  const image: TensorType = { dtype: 'float32', shape: [1, 3, S, S] };
  const codes: TensorType = { dtype: 'int32', shape: [1, (S / kind.pixelsPerCode(config)) ** 2] };
  return {
    encode: countMacs((ops) => kind.encodeFunction(config)(ops, { ...parameters, image })),
    decode: countMacs((ops) => kind.decodeFunction(config)(ops, { ...parameters, codes })),
  };
}
