import { formatColor, type ImageReading, type Rgb } from '@dpar/images';
import { type CheckOptions, type SoundImages, type StoredImageSet, withoutDamaged } from '@dpar/images/node';
import type { Context } from '../command/command.js';
import { countOf } from '../command/format.js';
import { color, flag, optional } from '../command/options.js';
import type { Progress } from '../command/progress.js';

/** White, the default background. */
const white: Rgb = [255, 255, 255];

/** Option for the colour behind transparent pixels of images that a model reads. */
export const backgroundOption = optional(color, 'colour behind transparent pixels (default: white)');

/** Option to leave out images that cannot be read. */
export const skipDamagedOption = flag('skip and list unreadable images instead of stopping');

/** Settings to read images for models: upright, on a background. */
export function readingOnto(background: Rgb = white): ImageReading & { readonly background: Rgb } {
  return { orientation: 'upright', background };
}

/**
 * Runs work that first checks images. Shows the progress of the check and notes its findings.
 * @param label Name of the images, such as their path.
 */
export async function withImageCheck<V>(
  label: string,
  reading: ImageReading,
  context: Context,
  work: (options: CheckOptions) => Promise<V>,
): Promise<V> {
  let progress: Progress | undefined;
  const onCheck: CheckOptions['onCheck'] = ({ done, total, turned, transparent }) => {
    progress ??= context.progress({ label: 'check', unit: 'images', total });
    progress.update(done);
    if (done < total) return;
    progress.stop();
    if (turned > 0 && reading.orientation === 'stored') {
      context.note(
        `${label}: ${countOf(turned, 'image')} with an EXIF orientation, which is ignored as by the evaluator ` +
          '(--orientation upright applies it)',
      );
    }
    if (transparent === 0) return;
    const place = reading.background ? `on ${formatColor(reading.background)}` : 'with the colours under transparency';
    context.note(
      `${label}: ${countOf(transparent, 'image')} with transparent pixels, read ${place} (--background COLOR)`,
    );
  };
  try {
    return await work({ onCheck, signal: context.signal });
  } finally {
    progress?.stop();
  }
}

/** Leaves damaged images out of a set and names them in a note. @returns undefined without `skipDamaged`. */
export async function soundImages(
  set: StoredImageSet,
  skipDamaged: boolean,
  reading: ImageReading,
  context: Context,
): Promise<SoundImages | undefined> {
  if (!skipDamaged) return undefined;
  const sound = await withImageCheck(set.path, reading, context, (options) => withoutDamaged(set, options));
  if (sound.skipped.length > 0) {
    const list = sound.skipped.map(({ name, damage }) => `${name} (${damage})`).join(', ');
    context.note(
      `${set.path}: ${countOf(sound.skipped.length, 'image')} left out because they cannot be read: ${list}`,
    );
  }
  return sound;
}
