import type { ImageReading, Rgb } from '@dpar/eval';
import { type CheckOptions, type SoundImages, type StoredImageSet, withoutDamaged } from '@dpar/eval/node';
import type { Context } from './context.js';
import { color, flag, optional } from './options.js';
import type { Progress } from './progress.js';
import { countOf } from './table.js';

/** White, which pictures are on where nothing else is asked for. */
const white: Rgb = [255, 255, 255];

/** Option for the colour behind transparent pixels where models are concerned. */
export const backgroundOption = optional(color, 'colour behind transparent pixels (default: white)');

/** Option to go on without images that cannot be read. */
export const skipDamagedOption = flag('leaves out images that cannot be read, and lists them, instead of refusing all');

/** How images are read for models: upright, on a background. */
export function readingOnto(background: Rgb = white): ImageReading & { readonly background: Rgb } {
  return { orientation: 'upright', background };
}

/** `#rrggbb` */
export function formatColor(color: Rgb): string {
  return `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/**
 * Runs work that checks images before it begins: with a progress of its own, and notes of what was found.
 * @param label What the images are, such as their path.
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
        `${label}: ${countOf(turned, 'image')} lie turned by their EXIF orientation, and are read so, as the evaluator does ` +
          '(--orientation upright turns them)',
      );
    }
    if (transparent === 0) return;
    const place = reading.background ? `on ${formatColor(reading.background)}` : 'with the colours under transparency';
    context.note(
      `${label}: ${countOf(transparent, 'image')} transparent in places, read ${place} (--background COLOR)`,
    );
  };
  try {
    return await work({ onCheck, signal: context.signal });
  } finally {
    progress?.stop();
  }
}

/** A set without its damaged images, if that is asked for, which are named in a note. */
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
    context.note(`${set.path}: ${countOf(sound.skipped.length, 'image')} cannot be read, and left out: ${list}`);
  }
  return sound;
}
