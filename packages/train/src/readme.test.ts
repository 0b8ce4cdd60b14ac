import { readFileSync } from 'node:fs';
import { expectedOutput } from '@dpar/config/code-blocks';
import { printedBy, readmeExamples } from '@dpar/config/readme-example';
import * as engineOrt from '@dpar/engine-ort';
import * as model from '@dpar/model';
import * as nn from '@dpar/nn';
import * as tensor from '@dpar/tensor';
import * as tokenizer from '@dpar/tokenizer';
import { expect, it } from 'vitest';
import * as library from './index.js';
import { architectureFromSettings } from './run/model-settings.js';
import { readTrainConfig } from './run/train-config.js';

const readme = new URL('../README.md', import.meta.url);

it('prints what the README says', async () => {
  // The second program goes on from the first.
  const examples = readmeExamples(readme);
  expect(examples).toHaveLength(2);
  const modules = {
    '@dpar/engine-ort': engineOrt,
    '@dpar/model': model,
    '@dpar/nn': nn,
    '@dpar/tensor': tensor,
    '@dpar/tokenizer': tokenizer,
    '@dpar/train': library,
  };
  const expected = examples.map(expectedOutput);
  expect(expected).not.toContain('');
  expect(await printedBy(examples.join('\n'), modules)).toBe(expected.join('\n'));
});

const text = readFileSync(readme, 'utf8');

it('shows a configuration that is valid', () => {
  const [, example = ''] = /```json\n(.*?)```/s.exec(text) ?? [];
  const config = readTrainConfig(JSON.parse(example), ['optimizer.learning_rate=3e-4']);
  const { kind, config: model } = architectureFromSettings(config.model);
  expect(kind.writeConfig(model)).toMatchObject({ kind: 'dpar', dim: 128, vocab_size: 512 });
});

it('shows a perceptual loss that is valid', () => {
  const [, example = ''] = /^(\{ "loss".*\})$/m.exec(text) ?? [];
  const model = { kind: 'vq', preset: 'VQ-16' };
  const rest = { model, data: { images: 'photos' }, steps: 1, output: 'tokenizer' };
  expect(readTrainConfig({ ...rest, ...JSON.parse(example) })).toMatchObject({
    loss: { perceptual: { network: 'vgg.onnx', layers: ['relu1', 'relu2'] } },
  });
});
