import { largestDifference } from '@dpar/fixtures';
import { type ByteFilter, type ResizeMethod, resizeBytes, resizeImage } from '@dpar/images';
import { createRandom, int32 } from '@dpar/tensor';
import { PythonPeer } from '../python-peer.js';
import { compareWith, pythonContender, versionsOf, withPython } from '../rows.js';
import type { Row, Topic } from '../topic.js';
import { timed } from '../turns.js';
import { numbersOf } from '../values.js';

/** Sizes before and after: one that shrinks, as images become tokens, and one that enlarges, as for Inception. */
const sizes = {
  full: [
    { from: { width: 1024, height: 768 }, to: { width: 256, height: 256 } },
    { from: { width: 256, height: 256 }, to: { width: 299, height: 299 } },
  ],
  small: [
    { from: { width: 40, height: 30 }, to: { width: 16, height: 16 } },
    { from: { width: 16, height: 16 }, to: { width: 19, height: 19 } },
  ],
};

const libraries = ['Pillow', 'PyTorch', 'torchvision'] as const;

/** A filter, with the libraries that have it and the largest difference in steps of a byte. */
interface Filter {
  readonly what: string;
  readonly peers: Readonly<Partial<Record<(typeof libraries)[number], number>>>;
  readonly ifSlower: string;
}

/** The peers' fixed-point weights have fewer bits than Pillow's 22, which rounds some bytes differently. */
const rounding = 1;

/** Floats of float32 and float64 sums, of values up to 255. */
const precision = 1e-3;

const scalar = 'JavaScript computes one number at a time, while the peer has code for vectors.';

const byteFilters: Readonly<Record<ByteFilter, Filter>> = {
  box: { what: 'box, bytes', peers: { Pillow: 0 }, ifSlower: scalar },
  bicubic: {
    what: 'antialiased bicubic, bytes',
    peers: { Pillow: 0, PyTorch: rounding, torchvision: rounding },
    ifSlower: scalar,
  },
};

/** Of these, `adm` is in none of the libraries, and `pillow` is the bicubic of bytes. */
const floatFilters: Readonly<Record<Exclude<ResizeMethod, 'adm' | 'pillow'>, Filter>> = {
  clean: {
    what: 'antialiased bicubic, floats (clean)',
    peers: { Pillow: precision, PyTorch: precision, torchvision: precision },
    ifSlower: scalar,
  },
  pytorch: {
    what: 'bilinear without antialiasing, floats (pytorch)',
    peers: { PyTorch: precision, torchvision: precision },
    ifSlower:
      'JavaScript sums in float64, one number at a time, and reads bytes, while the peer reads planes of floats.',
  },
};

/** Resizes of one image. */
export const resizes: Topic = {
  name: 'resizes',
  title: 'Resizes',
  about:
    'One image of random pixels. Differences are in steps of a byte, the largest of all pixels. The resize adm, that of TensorFlow 1, is in ' +
    'none of these libraries. torchvision resizes tensors by torch.nn.functional.interpolate, which the rows of PyTorch call without it. ' +
    'Pillow has floats in one channel only, so it resizes three images there.',
  async measure(settings) {
    const { threads, small } = settings;
    const rows: Row[] = [];
    let versions = {};
    for (const { from, to } of small ? sizes.small : sizes.full) {
      const { width, height } = from;
      const random = createRandom(1);
      const data = Uint8Array.from({ length: 3 * width * height }, () => random.integer(256));
      const image = { width, height, data };
      const work: [string, Filter, () => ArrayLike<number>][] = [
        ...Object.entries(byteFilters).map(([name, filter]): [string, Filter, () => ArrayLike<number>] => [
          name,
          filter,
          () => resizeBytes(image, to, name as ByteFilter).data,
        ]),
        ...Object.entries(floatFilters).map(([name, filter]): [string, Filter, () => ArrayLike<number>] => [
          name,
          filter,
          () => resizeImage(image, to, name as ResizeMethod),
        ]),
      ];
      const inputs = { image: int32([height, width, 3], Int32Array.from(data)) };
      await withPython(PythonPeer.start('resizes.py', { threads, inputs, settings: to }), async (python) => {
        versions = versionsOf(python);
        for (const [name, { what, peers, ifSlower }, resize] of work) {
          const contenders = libraries.flatMap((peer) => {
            const within = peers[peer];
            if (within === undefined) return [];
            const agree = async () => {
              const pixels = numbersOf(await (python as PythonPeer).result(`${name} ${peer}`), 'pixels');
              return { of: 'pixels', difference: largestDifference(resize(), pixels), within };
            };
            return [pythonContender(python, { peer, name: `${name} ${peer}`, needs: [peer], ifSlower, agree })];
          });
          const sizeText = `${width} x ${height} to ${to.width} x ${to.height}`;
          rows.push(
            ...(await compareWith({ what: `${what}, ${sizeText}`, ours: timed(resize) }, contenders, settings)),
          );
        }
      });
    }
    return { rows, versions };
  },
};
