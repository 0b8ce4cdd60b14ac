import * as tf from '@tensorflow/tfjs';

/** Adam whose learning rate can change from step to step. */
export class ScheduledAdam extends tf.AdamOptimizer {
  constructor(private readonly peakRate: number) {
    super(peakRate, 0.9, 0.99, 1e-8);
  }

  /** Rate of a step 0 .. steps - 1: rises over 50 steps, and falls to 0 in a straight line. */
  schedule(step: number, steps: number): void {
    this.learningRate = this.peakRate * Math.min(1, (step + 1) / 50) * (1 - step / steps);
  }
}
