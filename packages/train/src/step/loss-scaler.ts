import { float32, type HostTensorOf } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';

/** Scale of the first step. */
const firstScale = 65_536;

/** Steps with finite gradients after which the scale doubles. */
const stepsToGrow = 2000;

/** Name of {@link LossScaler.state} among the tensors of a checkpoint. */
export const lossScalerName = 'loss_scale';

/**
 * Scale of the loss while training in float16, as in `torch.amp.GradScaler`: it starts at 65,536, halves when gradients overflow
 * and doubles after 2,000 steps without an overflow. Unlike there, the trainer repeats a step that overflowed with half of the
 * scale, so that no batch is lost.
 */
export class LossScaler {
  /** Scale, and number of steps since it changed: float32 [2], exact. The trainer's checkpoints keep it. */
  readonly state: HostTensorOf<'float32'> = float32([2], [firstScale, 0]);

  /** Factor on the loss, a power of two. */
  get scale(): number {
    return this.state.data[0] as number;
  }

  /** Counts a step with finite gradients. */
  grow(): void {
    const [scale = firstScale, steps = 0] = this.state.data;
    this.state.data.set(steps + 1 < stepsToGrow ? [scale, steps + 1] : [2 * scale, 0]);
  }

  /**
   * Halves the scale after an overflow.
   * @param loss Loss of the step. If it is not finite, the forward pass overflowed, and no scale helps.
   * @returns False if the scale stays: then the step cannot be repeated.
   */
  shrink(loss: number): boolean {
    checkArguments('LossScaler.shrink', { loss }, { loss: 'number | NaN' });
    if (!Number.isFinite(loss) || this.scale <= 1) return false;
    this.state.data.set([this.scale / 2, 0]);
    return true;
  }
}
