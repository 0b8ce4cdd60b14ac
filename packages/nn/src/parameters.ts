import {
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
import { type Initializer, initialize } from './initialize.js';

/** Shape and initialisation of one float32 parameter. */
export interface ParameterSpec {
  readonly shape: Shape;
  readonly initializer: Initializer;
}

/** All parameters of a model under their official names, in the official order. */
export type ParameterSpecs = Readonly<Record<string, ParameterSpec>>;

/**
 * Freshly initialised parameters; the same seed gives the same values on every machine.
 *
 * @throws DparError for a shape that is none.
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

/** Differences of parameters from those of a model, as text: what is missing, extra, of another element type or shape. */
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

/** Most differences that a message names. */
const namedProblems = 5;

/** The first few of what {@link parameterProblems} finds in one line, and how many more there are. */
export function formatProblems(problems: readonly string[]): string {
  checkArguments('formatProblems', { problems }, { problems: 'string[]' });

  const more = problems.length - namedProblems;
  return `${problems.slice(0, namedProblems).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

/**
 * Checks that parameters are those of a model: names, element type and shapes.
 * @throws DparError naming some of what is missing, extra or of another shape, and how many there are.
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
