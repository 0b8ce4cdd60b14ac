import {
  createRandom,
  DparError,
  formatType,
  type HostTensor,
  hostTensor,
  type Shape,
  sameShape,
  sizeOf,
  type Tensors,
  type TensorType,
} from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/** Distribution of a parameter's initial values. */
export type Initializer =
  | { readonly kind: 'zeros' | 'ones' }
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'truncatedNormal'; readonly std: number; readonly cut: number };

/** Shape and initialisation of one float32 parameter. */
export interface ParameterSpec {
  readonly shape: Shape;
  readonly initializer: Initializer;
}

/** All parameters of a model under their official names, in the official order. */
export type ParameterSpecs = Readonly<Record<string, ParameterSpec>>;

/** A parameter of zeros, such as an output projection. */
export function zeros(shape: Shape): ParameterSpec {
  checkArguments('zeros', { shape }, { shape: 'number[]' });

  return { shape, initializer: { kind: 'zeros' } };
}

/** A parameter of ones, such as the weight of a norm. */
export function ones(shape: Shape): ParameterSpec {
  checkArguments('ones', { shape }, { shape: 'number[]' });

  return { shape, initializer: { kind: 'ones' } };
}

/** A parameter of a linear layer or an embedding: normal with standard deviation 0.02, as in LlamaGen. */
export function standardNormal(shape: Shape): ParameterSpec {
  checkArguments('standardNormal', { shape }, { shape: 'number[]' });

  return { shape, initializer: { kind: 'normal', std: 0.02 } };
}

/** Normal distribution, truncated at `cut` standard deviations from 0. */
export function truncatedNormal(shape: Shape, std: number, cut: number): ParameterSpec {
  checkArguments('truncatedNormal', { shape, std, cut }, { shape: 'number[]', std: 'number', cut: 'number' });

  return { shape, initializer: { kind: 'truncatedNormal', std, cut } };
}

/** Fills one parameter; (seed, index of the parameter) selects the random stream. */
function initialize(data: Float32Array, initializer: Initializer, seed: number, index: number): void {
  switch (initializer.kind) {
    case 'zeros':
      data.fill(0);
      return;
    case 'ones':
      data.fill(1);
      return;
    case 'normal':
      createRandom(seed, index).fillNormal(data, { std: initializer.std });
      return;
    case 'truncatedNormal':
      createRandom(seed, index).fillTruncatedNormal(data, { std: initializer.std, cut: initializer.cut });
  }
}

/**
 * Freshly initialised parameters. The same seed gives the same values on every machine.
 *
 * @throws DparError for an invalid shape.
 */
export function initializeParameters(specs: ParameterSpecs, seed: number): Record<string, HostTensor> {
  checkArguments('initializeParameters', { specs, seed }, { specs: 'object', seed: 'number' });

  const entries = Object.entries(specs).map(([name, { shape, initializer }], index): [string, HostTensor] => {
    const tensor = hostTensor('float32', shape);
    initialize(tensor.data, initializer, seed, index);
    return [name, tensor];
  });
  return Object.fromEntries(entries);
}

/** Number of scalar parameters. */
export function countParameters(specs: ParameterSpecs): number {
  checkArguments('countParameters', { specs }, { specs: 'object' });

  return Object.values(specs).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** Differences of parameters from those of a model, as text: missing, unknown, of a wrong element type or shape. */
export function parameterProblems(specs: ParameterSpecs, parameters: Tensors<TensorType>): string[] {
  checkArguments('parameterProblems', { specs, parameters }, { specs: 'object', parameters: 'object' });

  const problems: string[] = [];
  for (const [name, { shape }] of Object.entries(specs)) {
    const tensor = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (tensor === undefined) problems.push(`missing ${name} [${shape.join(', ')}]`);
    else if (tensor.dtype !== 'float32' || !sameShape(tensor.shape, shape)) {
      problems.push(`${name} is ${formatType(tensor)} instead of float32[${shape.join(', ')}]`);
    }
  }
  for (const name of Object.keys(parameters)) if (!Object.hasOwn(specs, name)) problems.push(`unknown ${name}`);
  return problems;
}

/** Maximum number of differences in a message. */
const namedProblems = 5;

/** Lists the first problems of {@link parameterProblems} in one line, with the number of others. */
export function formatProblems(problems: readonly string[]): string {
  checkArguments('formatProblems', { problems }, { problems: 'string[]' });

  const more = problems.length - namedProblems;
  return `${problems.slice(0, namedProblems).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

/**
 * Checks names, element types and shapes of a model's parameters.
 * @throws DparError naming the first differences and the number of others.
 */
export function checkParameters(specs: ParameterSpecs, parameters: Tensors<TensorType>): void {
  checkArguments('checkParameters', { specs, parameters }, { specs: 'object', parameters: 'object' });
  const problems = parameterProblems(specs, parameters);
  if (problems.length > 0) {
    throw new DparError(
      `checkParameters: expected the ${Object.keys(specs).length} parameters of the configuration, got: ${formatProblems(problems)}. ` +
        'Use the config.json that belongs to these weights.',
    );
  }
}
