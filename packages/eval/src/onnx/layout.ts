import { DparError } from '@dpar/tensor';
import type { ImageLayout } from '../network-input.js';
import { formatValue, type OnnxValueMetadata } from './session.js';

type Axis = 'channels' | 'height' | 'width';

/** Names that exporters give to axes whose size is open, such as `num_channels` and `height`. */
const axisNames: Readonly<Record<Axis, RegExp>> = {
  channels: /channel|chans?$|^c$/i,
  height: /height|rows$|^h$/i,
  width: /width|col(umn)?s$|^w$/i,
};

/** Where axes are besides that of images. */
const layouts: Readonly<Record<ImageLayout, readonly Axis[]>> = {
  NCHW: ['channels', 'height', 'width'],
  NHWC: ['height', 'width', 'channels'],
};

/**
 * The layout of an input of images with 4 axes: by the axis that has the size 3, else by the names of open axes, else by
 * which two neighbours have fixed sizes, else by the name `pixel_values`, which PyTorch models of transformers have.
 * @throws DparError if none of these tells.
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
    `createOnnxNetwork: expected one axis of 3 channels, the second or the last, got ${formatValue(value)}. ` +
      "Pass 'layout'.",
  );
}

function either(isNchw: boolean, isNhwc: boolean): ImageLayout | undefined {
  if (isNchw === isNhwc) return undefined;
  return isNchw ? 'NCHW' : 'NHWC';
}

/** Whether an axis has the name that it has in a layout. */
function names(axes: readonly (number | string)[], layout: ImageLayout): boolean {
  return axes.some((axis, i) => typeof axis === 'string' && axisNames[layouts[layout][i] as Axis].test(axis));
}

function isFixed(size: number | string | undefined): boolean {
  return typeof size === 'number' && size > 0;
}
