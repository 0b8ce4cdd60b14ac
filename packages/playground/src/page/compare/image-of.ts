import { lengthsFromStarts } from '@dpar/patchify';
import type { DrawnImage } from '../../model/costs.js';
import type { DrawingState } from '../../model/drawing.js';
import type { Run } from '../state.js';

/** Patches of a drawing so far. */
export function patchesOf({ startsPatch }: DrawingState): number {
  return lengthsFromStarts(startsPatch).length;
}

/** Facts that determine the costs of an image: its patches, by a drawing of DPAR, and guidance. */
export function imageOf({ options }: Run, drawing: DrawingState): DrawnImage {
  return { patches: patchesOf(drawing), isGuided: options.guidanceScale !== 1 };
}
