import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { indexSuffix } from '@dpar/io';
import { checkpointFiles, classesFile, fileDigest, safetensorsFiles, writeJson } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { z } from 'zod';
import { checkArguments } from '../check-arguments.js';

/** Names of the files that a trainer adds to a model's checkpoint. */
export const trainerFiles = {
  optimizer: 'optimizer.safetensors',
  average: 'average.safetensors',
  state: 'trainer.json',
} as const;

/** Size and SHA-256 of a file, to detect damage. */
const fileRecord = z.object({ bytes: z.number(), sha256: z.string() });

const schema = z.object({
  step: z.int().min(0),
  seed: z.number(),
  random_state: z.string(),
  validation_loss: z.number().nullable(),
  data: z.record(z.string(), z.string()),
  config: z.record(z.string(), z.unknown()).nullable(),
  files: z.record(z.string(), fileRecord),
});

/** Content of a checkpoint's `trainer.json`: state and settings of the run, and records of the other files. */
export type TrainerState = z.infer<typeof schema>;

/** Size and SHA-256 of one file of a checkpoint. */
export type FileRecord = z.infer<typeof fileRecord>;

/**
 * Reads `trainer.json` of a checkpoint.
 * @throws DparError if the folder is not a trainer's checkpoint, or the file is damaged.
 */
export async function readTrainerState(folder: string): Promise<TrainerState> {
  checkArguments('readTrainerState', { folder }, { folder: 'string' });

  const path = join(folder, trainerFiles.state);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    throw new DparError(
      `readTrainerState: expected a trainer's checkpoint in '${folder}', got no ${trainerFiles.state}. ` +
        'Pass a checkpoint of a training run.',
    );
  });
  const json = parsed(text);
  const result = schema.safeParse(json);
  const isListed = (name: string): boolean =>
    result.success && (name in result.data.files || name + indexSuffix in result.data.files);
  if (result.success && [checkpointFiles.model, trainerFiles.optimizer].every(isListed)) {
    return result.data;
  }
  const key = result.error?.issues[0]?.path.join('.') ?? 'files';
  const fault = json === undefined ? 'invalid JSON' : `an invalid or missing '${key}'`;
  throw new DparError(
    `readTrainerState: expected a trainer's state in '${path}', got ${fault}. The file is damaged: use another checkpoint.`,
  );
}

/**
 * Reads `trainer.json` and checks size and digest of each file that it records.
 * @throws DparError naming the file that is missing, cut or changed.
 */
export async function verifyTrainerCheckpoint(folder: string): Promise<TrainerState> {
  const state = await readTrainerState(folder);
  for (const [name, { bytes, sha256 }] of Object.entries(state.files)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    const digest = found?.size === bytes ? await fileDigest(path) : undefined;
    if (digest === sha256) continue;
    const got =
      digest === undefined ? (found ? `${found.size} bytes` : 'no such file') : `bytes with SHA-256 ${digest}`;
    throw new DparError(
      `verifyTrainerCheckpoint: expected the ${bytes} bytes that were written to '${path}', got ${got}. The checkpoint is damaged: use another one.`,
    );
  }
  return state;
}

const partial = schema.partial();

/** Some fields of `trainer.json`. */
export type StateFields = z.infer<typeof partial>;

const stateFieldsKinds: KindsOf<Pick<StateFields, 'validation_loss' | 'data' | 'config'>> = {
  'validation_loss?': 'any',
  'data?': 'object',
  'config?': 'any',
  '*': 'any',
};

/** Fields of a `trainer.json` from another source; none if its form is invalid. */
export function readStateFields(json?: object): StateFields {
  checkArguments('readStateFields', { json }, { 'json?': 'object' });
  return partial.safeParse(json).data ?? {};
}

/** Value of `random_state`. */
const randomState = 'every random number is a function of the seed and the step';

/** Content of `trainer.json`, without the records of files. */
export function trainerStateOf(
  step: number,
  seed: number,
  more: Pick<StateFields, 'validation_loss' | 'data' | 'config'> = {},
): Omit<TrainerState, 'files'> {
  checkArguments('trainerStateOf', { step, seed, more }, { step: 'number', seed: 'number', 'more?': stateFieldsKinds });
  const { validation_loss = null, data = {}, config = null } = more;
  return { step, seed, random_state: randomState, validation_loss, data, config };
}

/** Writes `trainer.json` into a partial folder. @param files Records of the other files; by default they are computed. */
export async function writeTrainerState(
  folder: string,
  state: Omit<TrainerState, 'files'>,
  files?: Readonly<Record<string, FileRecord>>,
): Promise<void> {
  checkArguments(
    'writeTrainerState',
    { folder, state, files },
    { folder: 'string', state: 'object', 'files?': 'object' },
  );
  const records: TrainerState['files'] = files ?? (await recordsIn(folder));
  await writeJson(join(folder, trainerFiles.state), { ...state, files: records });
}

async function recordsIn(folder: string): Promise<Record<string, FileRecord>> {
  const tensors = [checkpointFiles.model, trainerFiles.optimizer, trainerFiles.average];
  const present = (name: string): string[] => [join(folder, name)].filter((path) => existsSync(path));
  const paths = present(checkpointFiles.config);
  for (const name of tensors) paths.push(...(await safetensorsFiles(join(folder, name))));
  paths.push(...present(classesFile));
  const records: Record<string, FileRecord> = {};
  for (const path of paths)
    records[basename(path)] = { bytes: (await stat(path)).size, sha256: await fileDigest(path) };
  return records;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
