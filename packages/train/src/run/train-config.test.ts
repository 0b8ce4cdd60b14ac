import { describe, expect, it } from 'vitest';
import { imageRun } from '../testing/tiny-run.js';
import { architectureFromSettings } from './model-settings.js';
import { type ModelSettings, readTrainConfig, trainConfigKeys } from './train-config.js';

const minimal = {
  model: { kind: 'dpar', preset: 'nano', vocab_size: 512, block_size: 64, num_classes: 9 },
  data: { tokens: 'tokens.safetensors' },
  steps: 100,
  output: 'run',
};

/** The message of the error that a function throws. */
function messageOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

describe('readTrainConfig', () => {
  it('fills in the settings of the paper', () => {
    const { optimizer, data, batch_size, seed } = imageRun(minimal);
    expect(optimizer).toMatchObject({
      learning_rate: 1e-4,
      betas: [0.9, 0.95],
      weight_decay: 0.05,
      max_gradient_norm: 1,
    });
    expect(data.class_dropout).toBe(0.1);
    expect([batch_size, seed]).toEqual([32, 0]);
  });

  it('refuses unknown keys and names the nearest one', () => {
    const read = (changes: object) => () => readTrainConfig({ ...minimal, ...changes });
    expect(read({ optimizer: { learning_rte: 1 } })).toThrow(
      "got an unknown key 'optimizer.learning_rte'. Did you mean 'optimizer.learning_rate'?",
    );
    expect(read({ stepps: 3, batchsize: 3 })).toThrow(
      "got an unknown key 'stepps'. Did you mean 'steps'? Also expected a known key, got an unknown key 'batchsize'.",
    );
    expect(read({ batchsize: 3 })).toThrow("got an unknown key 'batchsize'. Did you mean 'batch_size'?");
    expect(read({ model: { ...minimal.model, patching: { treshold: 1 } } })).toThrow(
      "Did you mean 'model.patching.threshold'?",
    );
    expect(read({ model: { kind: 'llamagen', preset: 'nano', n_local_encoder_layers: 1 } })).toThrow(
      "expected a known key, got an unknown key 'model.n_local_encoder_layers'",
    );
  });

  it('names the key whose value is wrong', () => {
    const read = (changes: object) => () => readTrainConfig({ ...minimal, ...changes });
    const said = (changes: object): string => {
      const [, sentence = ''] =
        /^readTrainConfig: expected (.*) Correct it in the configuration, or with --set\.$/.exec(
          messageOf(read(changes)),
        ) ?? [messageOf(read(changes))];
      return sentence;
    };
    expect(said({ steps: '100' })).toBe(`'steps' to be a number, got "100".`);
    expect(said({ steps: 0 })).toBe("'steps' to be a number from 1, got 0.");
    expect(said({ steps: 1.5 })).toBe("'steps' to be a whole number, got 1.5.");
    expect(said({ output: undefined })).toBe("'output' to be a text, got no such key.");
    expect(said({ optimizer: { betas: [0.9, 1] } })).toBe("'optimizer.betas.1' to be a number below 1, got 1.");
    expect(said({ optimizer: { betas: 0.9 } })).toBe("'optimizer.betas' to be a list, got 0.9.");
    expect(said({ optimizer: { betas: [0.9] } })).toBe(
      "'optimizer.betas' to be a list of at least 2 values, got [0.9].",
    );
    expect(said({ optimizer: { schedule: 'linear' } })).toBe(
      `'optimizer.schedule' to be one of "constant", "cosine", got "linear".`,
    );
    // JSON holds no larger whole numbers: another seed would be taken without a word.
    expect(said(JSON.parse('{ "seed": 9007199254740993 }'))).toBe(
      "'seed' to be a number up to 9007199254740991, got 9007199254740992.",
    );
    expect(() => readTrainConfig(minimal, ['seed=9007199254740993'])).toThrow(
      "expected 'seed' to be a whole number up to 9007199254740991, got 9007199254740993.",
    );
    const samples = { every: 1, tokenizer: 't', temperature: 0 };
    expect(read({ samples })).toThrow("above 0, got 0. Set 'samples.top_k' to 1 for the most likely token.");
    expect(read({ model: { kind: 'gpt' } })).toThrow('"dpar", "llamagen", "entropy", "vq" or "patch-vq", got "gpt"');
    expect(() => readTrainConfig(null)).toThrow("'model.kind'");
  });

  it('names the keys that do not go together', () => {
    const read = (changes: object) => () => readTrainConfig({ ...minimal, ...changes });
    const optimizer = { schedule: 'cosine', warmup_steps: 100 };
    expect(read({ optimizer })).toThrow("expected 'optimizer.warmup_steps' below the 100 of 'steps', got 100.");
    expect(read({ optimizer: { ...optimizer, schedule: 'constant' } })).not.toThrow();
    expect(read({ batch_size: 10, accumulation_steps: 4 })).toThrow(
      "expected 'accumulation_steps' to divide the 10 of 'batch_size', got 4.",
    );
  });

  it('reads the older name of the scale of guidance', () => {
    const read = (samples: object, ...settings: string[]) =>
      imageRun({ ...minimal, samples: { every: 1, tokenizer: 't', ...samples } }, settings).samples;
    expect(read({})?.guidance_scale).toBe(2);
    expect(read({ cfg_scale: 3 })).toEqual(read({ guidance_scale: 3 }));
    expect(read({ cfg_scale: 3 }, 'samples.cfg_scale=4')).toEqual(read({ guidance_scale: 4 }));
    expect(() => read({ cfg_scale: -1 })).toThrow("expected 'samples.guidance_scale' to be a number from 0, got -1.");
    expect(() => read({ cfg_scale: 3, guidance_scale: 2 })).toThrow(
      "got an unknown key 'samples.cfg_scale'. Did you mean 'samples.guidance_scale'?",
    );
  });

  it('takes settings from the command line', () => {
    const config = readTrainConfig(minimal, [
      'optimizer.learning_rate=3e-4',
      'optimizer.betas=[0.8, 0.9]',
      'output=other folder/run=2',
      'model.preset=micro',
      'data.validation=v.safetensors',
    ]);
    expect(config.optimizer).toMatchObject({ learning_rate: 3e-4, betas: [0.8, 0.9] });
    expect(config.output).toBe('other folder/run=2');
    expect(config.model.preset).toBe('micro');
    expect(config.data.validation).toBe('v.safetensors');
    expect(() => readTrainConfig(minimal, ['steps'])).toThrow("such as 'optimizer.learning_rate=1e-3', got 'steps'");
    expect(() => readTrainConfig(minimal, ['__proto__.polluted=1'])).toThrow("got an unknown key '__proto__'");
    expect({}).not.toHaveProperty('polluted');
  });

  it('documents every key', () => {
    for (const kind of ['dpar', 'llamagen', 'entropy'] as const) {
      const undocumented = trainConfigKeys(kind).filter(({ description }) => !description);
      expect(undocumented).toEqual([]);
    }
    expect(trainConfigKeys('dpar').map(({ key }) => key)).toContain('model.patching.threshold');
  });
});

/** The config.json that settings describe. */
function configJson(settings: ModelSettings) {
  const { kind, config } = architectureFromSettings(settings);
  return kind.writeConfig(config);
}

describe('architectureFromSettings', () => {
  it('changes a preset by the keys that are given', () => {
    const model = configJson(readTrainConfig(minimal, ['model.n_layer=5', 'model.patching.threshold=2.5']).model);
    expect(model).toMatchObject({
      kind: 'dpar',
      dim: 128,
      n_layer: 5,
      n_local_decoder_layers: 1,
      vocab_size: 512,
      block_size: 64,
      num_classes: 9,
      embedding_type: 'dynamic_4d',
      patching: { mode: 'entropy_row_boundary', threshold: 2.5, max_patch_length: 4, row_length: 8 },
    });
  });

  it('makes models of the other kinds', () => {
    const keys = { vocab_size: 512, block_size: 64, num_classes: 9 };
    const llamaGen = configJson({ kind: 'llamagen', preset: 'nano', ...keys });
    expect(llamaGen).toMatchObject({ kind: 'llamagen', dim: 128, n_layer: 4, cls_token_num: 1 });
    const entropy = configJson({ kind: 'entropy', preset: 'nano', ...keys });
    expect(entropy).toMatchObject({
      kind: 'entropy',
      dim: 192,
      n_layer: 3,
      cls_token_num: 0,
      vocab_size: 512,
    });
    expect(() => architectureFromSettings({ kind: 'llamagen', ...keys })).toThrow(
      "architectureFromSettings: expected 'model.dim' to be a whole number >= 1, got no such key.",
    );
    expect(() => architectureFromSettings(readTrainConfig(minimal, ['model.dim=63']).model)).toThrow(
      "expected 'model.dim' to be a multiple of 'model.n_head'",
    );
    const odd = readTrainConfig(minimal, ['model.patching.row_length=7']).model;
    expect(() => architectureFromSettings(odd)).toThrow(
      "expected 'model.patching.row_length' to divide 'model.block_size' 64",
    );
  });
});
