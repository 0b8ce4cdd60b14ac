import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { readCheckpointClasses, writeClassNames, writeSafetensors } from '@dpar/io/node';
import { createReferenceEngine, int32 } from '@dpar/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { createTrainer } from '../run/create-trainer.js';
import { train } from '../run/train.js';
import type { ImageModelTrainConfig } from '../run/train-config.js';
import { tinyRun } from '../testing/tiny-run.js';
import { checkSameClasses, classesKey, readClassNames } from './class-names.js';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

describe('checkSameClasses', () => {
  const list = (path: string, ...names: string[]) => ({ path, names });

  it.each([
    [list('b', 'cat', 'fox'), "class 1 to be 'dog' as in 'a', got 'fox' in 'b' (2 classes in place of 3)"],
    [list('b', 'cat', 'dog'), "class 2 to be 'fox' as in 'a', got none in 'b' (2 classes in place of 3)"],
    [list('b', 'cat', 'dog', 'fox', 'owl'), "class 3 to be none as in 'a', got 'owl' in 'b' (4 classes in place of 3)"],
    [list('b', 'cat', 'Dog', 'fox'), "class 1 to be 'dog' as in 'a', got 'Dog' in 'b'. Tokenize"],
  ])('names the first difference of %j', (other, message) => {
    expect(() => checkSameClasses(list('a', 'cat', 'dog', 'fox'), other)).toThrow(message);
  });

  it('takes lists that are the same, or not known', () => {
    expect(() => checkSameClasses(list('a', 'cat', 'dog'), list('b', 'cat', 'dog'))).not.toThrow();
    expect(() => checkSameClasses(list('a', 'cat'), undefined)).not.toThrow();
  });
});

describe('readClassNames', () => {
  const names = ['cat', '1, 2'];

  it('finds the list in the folder, beside a file, and beside the codes of LlamaGen', async () => {
    await writeClassNames(folder, names);
    await mkdir(join(folder, 'x_codes'));
    for (const path of ['', 'a.safetensors', 'tokens.npy', 'x_codes', 'x_codes/']) {
      expect(await readClassNames(join(folder, path))).toEqual({ path: join(folder, 'classes.json'), names });
    }
    await mkdir(join(folder, 'other'));
    expect(await readClassNames(join(folder, 'other'))).toBeUndefined();
  });

  it('prefers what a file says of itself, and names one that is damaged', async () => {
    const path = join(folder, 'a.safetensors');
    await writeClassNames(folder, ['others']);
    await writeSafetensors(path, { tokens: int32([1, 1]) }, { metadata: { [classesKey]: JSON.stringify(names) } });
    expect(await readClassNames(path)).toEqual({ path, names });
    await writeFile(join(folder, 'classes.json'), '["cat"');
    await expect(readClassNames(folder)).rejects.toThrow(
      `expected a JSON list of names in '${join(folder, 'classes.json')}', got damaged JSON`,
    );
  });
});

describe('train', () => {
  /** A tiny run of three classes whose data lie in folders, with lists of classes. */
  async function run(training: readonly string[], validation: readonly string[]): Promise<ImageModelTrainConfig> {
    const config = await tinyRun(folder, { steps: 2, validate_every: 1, checkpoints: { every: 1 } });
    const { tokens, validation: validated = '' } = config.data;
    const places = { tokens: join(folder, 'training'), validation: join(folder, 'validation') };
    for (const [from, to] of [
      [tokens, places.tokens],
      [validated, places.validation],
    ] as const) {
      await mkdir(to);
      await writeFile(join(to, 'a.safetensors'), await readFile(from));
    }
    await writeClassNames(places.tokens, training);
    await writeClassNames(places.validation, validation);
    return { ...config, data: { ...config.data, ...places } };
  }

  const finish = async (config: ImageModelTrainConfig, resume = false): Promise<number> => {
    let steps = 0;
    for await (const _ of train(createReferenceEngine(), config, { resume })) steps++;
    return steps;
  };

  it('refuses validation data of other classes, and more classes than the model has', async () => {
    const config = await run(['cat', 'dog', 'fox'], ['cat', 'fox']);
    const message = "class 1 to be 'dog'";
    await expect(finish(config)).rejects.toThrow(message);
    await expect(createTrainer(createReferenceEngine(), config)).rejects.toThrow(message);
    await writeClassNames(config.data.tokens, ['a', 'b', 'c', 'd']);
    await writeClassNames(config.data.validation ?? '', ['a', 'b', 'c', 'd']);
    await expect(finish({ ...config, output: join(folder, 'more') })).rejects.toThrow('Set model.num_classes to 4.');
  });

  it('leaves the names in checkpoints and their copies, and goes on with the same alone', async () => {
    const names = ['cat', 'dog', 'fox'];
    const config = await run(names, names);
    expect(await finish(config)).toBe(2);
    const last = join(config.output, 'last');
    expect(await readCheckpointClasses(last)).toEqual({ path: join(last, 'classes.json'), names });
    for (const place of [config.data.tokens, config.data.validation ?? '']) {
      await writeClassNames(place, ['cat', 'dog', 'owl']);
    }
    await expect(finish(config, true)).rejects.toThrow("class 2 to be 'fox' as in");
  });
});
