import { type DparConfig, dparKind, isBoundaryParameter, isReadByHead } from '@dpar/model';
import { architectureArgument, type ImageArchitecture } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/**
 * Parameters that a run trains:
 * - `all`: all of them. A boundary head learns from the states of the encoder and does not change them.
 * - `boundary_head`: only the boundary head of a DPAR model.
 * - `except_boundary_head`: all that the boundary head does not depend on. The head, the token embeddings and the blocks of the
 *   local encoder stay as they are, and so do the entropies of the head.
 */
export type Trained = 'all' | 'boundary_head' | 'except_boundary_head';

/** Values of {@link Trained}. */
export const trainedValues = ['all', 'boundary_head', 'except_boundary_head'] as const satisfies readonly Trained[];

/** Kind of {@link Trained}, for argument checks. */
export const trainedKind = trainedValues.map((value) => `'${value}'`).join(' | ');

/** Configuration of a DPAR model with a boundary head; `undefined` for other models. */
export function boundaryConfigOf({ kind, config }: ImageArchitecture): DparConfig | undefined {
  if (kind.name !== dparKind.name) return undefined;
  return (config as DparConfig).boundaryHead === undefined ? undefined : (config as DparConfig);
}

/** True if a run trains a boundary head. */
export function trainsHead(model: ImageArchitecture, trained: Trained): boolean {
  return trained !== 'except_boundary_head' && boundaryConfigOf(model) !== undefined;
}

/**
 * Names of the parameters that a run trains, in the order of the model.
 * @throws DparError if only a part is trained, and the model has no boundary head.
 */
export function trainedParameters(model: ImageArchitecture, trained: Trained): string[] {
  checkArguments('trainedParameters', { model, trained }, { model: architectureArgument, trained: trainedKind });
  const names = Object.keys(model.kind.specs(model.config));
  if (trained === 'all') return names;
  if (boundaryConfigOf(model) === undefined) {
    throw new DparError(
      `trainedParameters: expected a DPAR model with a boundary head ('model.boundary_head') to train '${trained}', got ` +
        `a model of kind '${model.kind.name}' without one. Add the head, or train 'all'.`,
    );
  }
  return names.filter(trained === 'boundary_head' ? isBoundaryParameter : (name) => !isReadByHead(name));
}
