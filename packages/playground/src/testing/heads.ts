import type { EmojiModel } from '@dpar/emoji';
import { dparKind, isBoundaryParameter } from '@dpar/model';
import { createRandom, type HostTensor, hostTensor, named } from '@dpar/tensor';

/** The emoji model with a boundary head of random weights in its DPAR, which predicts about 2 nats. */
export function withHead(model: EmojiModel): EmojiModel {
  const { dpar, ...others } = withoutHead(model);
  const head = { hiddenWidth: 16, hiddenLayers: 2, neighbours: [1, 2, 3, 14, 15, 16, 17, 18], threshold: 2 };
  const config = { ...dpar.config, boundaryHead: head };
  const random = createRandom(3);
  const parameters: Record<string, HostTensor> = { ...dpar.parameters };
  for (const [name, { shape }] of Object.entries(dparKind.specs(config))) {
    if (!isBoundaryParameter(name)) continue;
    const weights = hostTensor('float32', shape);
    const [, inputs = 1] = shape;
    if (name.endsWith('weight')) random.fillNormal(weights.data, { std: inputs ** -0.5 });
    parameters[name] = weights;
  }
  named(parameters, 'boundary_head.output.bias').data.fill(2);
  return { ...others, dpar: { ...dpar, config, parameters } };
}

/** The emoji model without a boundary head in its DPAR. */
export function withoutHead({ dpar, ...others }: EmojiModel): EmojiModel {
  const { boundaryHead: _, ...config } = dpar.config;
  const parameters = Object.entries(dpar.parameters).filter(([name]) => !isBoundaryParameter(name));
  return { ...others, dpar: { ...dpar, config, parameters: Object.fromEntries(parameters) } };
}
