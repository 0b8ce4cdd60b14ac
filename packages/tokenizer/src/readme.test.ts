import { expectedOutput } from '@dpar/config/code-blocks';
import { printedBy, readmeExamples } from '@dpar/config/readme-example';
import * as ort from '@dpar/engine-ort';
import { fixturePath } from '@dpar/fixtures';
import { loadModel as load } from '@dpar/model/node';
import * as tensor from '@dpar/tensor';
import { expect, it } from 'vitest';
import * as library from './index.js';

const examples = readmeExamples(new URL('../README.md', import.meta.url));

it('runs what the README shows', async () => {
  expect(examples).toHaveLength(3);
  const names = new Set<string>();
  const code = examples
    .slice(0, 2)
    .join('')
    .replace(/^import \{(.*)\} from '@dpar\/[\w/-]+';$/gm, (_, list: string) => {
      const fresh = list.split(',').filter((name) => !names.has(name.trim()));
      for (const name of fresh) names.add(name.trim());
      return `const {${fresh}} = library;`;
    });
  const run = new Function(
    'library',
    'console',
    `return (async () => { ${code}; return { codes, decoded, onnx }; })();`,
  );
  // The small tokenizer has 4 pixels a code: 64 x 64 codes of 256 x 256 pixels would take long here.
  const loadModel = () => load(fixturePath('vq'), { kinds: library.tokenizerKinds });
  const imagesFromBytes = (bytes: Uint8Array) => library.imagesFromBytes(bytes, 16);
  const given = { ...ort, ...library, loadModel, imagesFromBytes, emojiFolder: '' };
  const result = await run(given, { log: () => {} });
  expect(result.codes.shape).toEqual([16, 16]);
  expect(result.decoded).toHaveLength(16 * 768);
  expect(result.onnx.length).toBeGreaterThan(1e6);
});

it('prints the perceptual loss that the README says', async () => {
  const [, , example = ''] = examples;
  const printed = await printedBy(example, { '@dpar/tensor': tensor, '@dpar/tokenizer': library });
  expect(printed).toBe(expectedOutput(example));
});
