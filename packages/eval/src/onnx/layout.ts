import { DparError } from '@dpar/tensor';
import type { ImageLayout } from '../network-input.js';
import { formatValue, type OnnxValueMetadata } from './session.js';

type Axis = 'channels' | 'height' | 'width';

/** Patterns of exporters' names for axes of open size, such as `num_channels` and `height`. */
const axisNames: Readonly<Record<Axis, RegExp>> = {
  channels: /channel|chans?$|^c$/i,
  height: /height|rows$|^h$/i,
  width: /width|col(umn)?s$|^w$/i,
};

/** Order of the axes after the batch axis. */
const layouts: Readonly<Record<ImageLayout, readonly Axis[]>> = {
  NCHW: ['channels', 'height', 'width'],
  NHWC: ['height', 'width', 'channels'],
};

/**
 * Infers the layout of an input of images with 4 axes. It tries, in this order:
 * - the axis of size 3;
 * - the names of open axes;
 * - the two neighbouring axes of fixed size;
 * - the input's name `pixel_values`, which PyTorch models of transformers use.
 * @throws DparError if none of these determines it.
 */
export function deduceLayout(value: OnnxValueMetadata): ImageLayout {
  const [, ...axes] = value.shape ?? [];
  const [first, last] = [axes[0], axes[2]];
  const layout =
    either(first === 3, last === 3) ??
    either(names(axes, 'NCHW'), names(axes, 'NHWC')) ??
    either(
      isFixed(axes[1]) && isFixed(last) && !isFixed(first),
      isFixed(first) && isFixed(axes[1]) && !isFixed(last),
    ) ??
    (value.name === 'pixel_values' ? 'NCHW' : undefined);
  if (layout !== undefined) return layout;
  throw new DparError(
    `createOnnxNetwork: expected the second or the last axis to have 3 channels, got ${formatValue(value)}. ` +
      "Pass 'layout'.",
  );
}

function either(isNchw: boolean, isNhwc: boolean): ImageLayout | undefined {
  if (isNchw === isNhwc) return undefined;
  return isNchw ? 'NCHW' : 'NHWC';
}

/** Checks that an axis has the name of its place in a layout. */
function names(axes: readonly (number | string)[], layout: ImageLayout): boolean {
  return axes.some((axis, i) => typeof axis === 'string' && axisNames[layouts[layout][i] as Axis].test(axis));
}

function isFixed(size: number | string | undefined): boolean {
  return typeof size === 'number' && size > 0;
}
