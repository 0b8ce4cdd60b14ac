import type { VqConfig } from './config.js';

/** The blocks of one resolution. */
export interface Level {
  /** Prefix of the names of its parameters. */
  readonly prefix: string;
  /** Channels before the first residual block, and after each. */
  readonly widths: readonly number[];
  /** True if attention follows each residual block, as at the coarsest resolution. */
  readonly attention: boolean;
  /** True if the image is halved (encoder) or doubled (decoder) after the blocks. */
  readonly resampled: boolean;
}

/** The levels of the encoder, the finest first. */
export function encoderLevels({ ch, chMult, numResBlocks }: VqConfig): Level[] {
  const last = chMult.length - 1;
  return chMult.map((multiple, i) => ({
    prefix: `encoder.conv_blocks.${i}`,
    widths: [ch * (chMult[i - 1] ?? 1), ...new Array<number>(numResBlocks).fill(ch * multiple)],
    attention: i === last,
    resampled: i !== last,
  }));
}

/** The levels of the decoder, the coarsest first. */
export function decoderLevels({ ch, chMult, numResBlocks }: VqConfig): Level[] {
  const last = chMult.length - 1;
  return chMult.toReversed().map((multiple, i) => ({
    prefix: `decoder.conv_blocks.${i}`,
    widths: [
      ch * (chMult[last - i + 1] ?? chMult[last] ?? 1),
      ...new Array<number>(numResBlocks + 1).fill(ch * multiple),
    ],
    attention: i === 0,
    resampled: i !== last,
  }));
}
