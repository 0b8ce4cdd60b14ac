import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointFiles, checkpointIdentity, findFolder, readCheckpoint, readCheckpointClasses } from '@dpar/io/node';
import { imageModelKinds } from '@dpar/model';
import {
  type Architecture,
  formatProblems,
  type Json,
  kindOfConfig,
  type ModelKind,
  parameterProblems,
} from '@dpar/nn';
import { DparError, type HostTensor, sizeOf, type Tensors } from '@dpar/tensor';
import { runFiles } from './run-folder.js';
import {
  classTable,
  partOf,
  type SelectedParameters,
  type SourceWeights,
  type StartPart,
  selectParameters,
} from './select-parameters.js';
import type { TrainerState } from './trainer-state.js';

/** Account of the weights that a run starts from, as a JSON file of the run. */
export interface StartAccount {
  /** Folder of their checkpoint. */
  readonly folder: string;
  /** Kind of their model. */
  readonly kind: string;
  /** Digest of their configuration and values. */
  readonly identity: string;
  /** Account of what the model takes from them, by the first part of its parameters' names. */
  readonly parts: readonly StartPart[];
  /** First parts of the names of parameters that the model does not have, with the count of numbers. */
  readonly unused: readonly { readonly name: string; readonly parameters: number }[];
}

/** Settings of {@link startingParameters}. */
export interface StartOptions {
  /** Initial parameters of the model. */
  readonly drawn: Tensors<HostTensor>;
  /** Names of the model's classes, if they are known. */
  readonly classes?: readonly string[] | undefined;
  /** Names of the parameters that the run trains (default: all). The others must all come from the weights. */
  readonly trained?: ReadonlySet<string>;
}

/** Result of {@link startingParameters}. */
export interface StartingParameters {
  readonly parameters: Tensors<HostTensor>;
  /** Names of the parameters that come whole from the weights. */
  readonly whole: ReadonlySet<string>;
  /** Account of what was taken from the weights, if there are any. */
  readonly account?: StartAccount;
}

/** Keys of config.json that change the meaning of weights but not their shapes. */
const meaningKeys = [
  'n_head',
  'rope_base',
  'norm_eps',
  'encoder_block_causal',
  'codebook_l2_norm',
  'norm_groups',
] as const;

/** Values of keys that config.json may leave out. */
const usualValues: Json = { norm_groups: 32 };

/**
 * Finds the checkpoint that `init_from` names: the folder itself; in the folder of a run, its `best/` or else its `last/`.
 * @throws DparError if the folder has no checkpoint.
 */
export async function findWeights(folder: string): Promise<string> {
  for (const place of [folder, join(folder, runFiles.best), join(folder, runFiles.last)]) {
    const found = await findFolder(place);
    if (found !== undefined && existsSync(join(found, checkpointFiles.config))) return place;
  }
  const there = await stat(folder).then(
    () => 'one without',
    () => 'none',
  );
  throw new DparError(
    `init_from: expected the folder of a checkpoint (with ${checkpointFiles.config}) or of a run (with ${runFiles.best} or ` +
      `${runFiles.last}) at '${folder}', got ${there}. Correct the path.`,
  );
}

/**
 * Parameters that a run starts from: those of a checkpoint that fit, and drawn ones for the rest.
 * @param initFrom Folder of the weights, see {@link findWeights}; `undefined` for drawn parameters only.
 * @throws DparError naming what differs: if the checkpoint is of a kind without common parameters, if keys give the weights
 * another meaning, if nothing fits, or if a parameter that the run does not train does not fit; IoError if a file is
 * missing or damaged.
 */
export async function startingParameters(
  initFrom: string | undefined,
  model: Architecture,
  options: StartOptions,
): Promise<StartingParameters> {
  if (initFrom === undefined) return { parameters: options.drawn, whole: new Set() };
  const folder = await findWeights(initFrom);
  const specs = model.kind.specs(model.config);
  const { trained = new Set(Object.keys(specs)) } = options;
  const isPart = Object.keys(specs).some((name) => !trained.has(name));
  const source = await readSource(folder, isPart ? [model.kind] : kindsInCommon(model.kind));
  // A class table that is not trained keeps its rows, whatever the classes of the data are.
  const classes = trained.has(classTable) ? options.classes : undefined;
  const selected = selectParameters(model, source, options.drawn, classes);
  const problems = keyProblems(model.kind.writeConfig(model.config), source.kind.writeConfig(source.config));
  if (isPart) problems.push(...untrainedProblems(model, source, selected, trained));
  else if (selected.parts.every(({ taken }) => taken === 0))
    problems.push(...parameterProblems(specs, source.parameters));
  if (problems.length > 0) {
    throw new DparError(
      `init_from: expected weights that fit the model of the configuration in '${folder}', got ${formatProblems(problems)}. ` +
        "Copy the keys of 'model' from its config.json, or choose another checkpoint.",
    );
  }
  const { parameters, whole, parts, unused } = selected;
  const identity = await checkpointIdentity(folder);
  return {
    parameters,
    whole,
    account: { folder, kind: source.kind.name, identity, parts, unused: countParts(unused, source.parameters) },
  };
}

/** Kinds whose weights a model can start from: models of image tokens share blocks and tables. */
function kindsInCommon(kind: ModelKind): readonly ModelKind[] {
  const imageKinds: readonly ModelKind[] = imageModelKinds;
  return imageKinds.includes(kind) ? imageKinds : [kind];
}

async function readSource(folder: string, kinds: readonly ModelKind[]): Promise<SourceWeights> {
  const { config: json, parameters } = await readCheckpoint(folder);
  const kind = kindOfConfig('init_from', kinds, json, folder);
  const config = kind.readConfig(json);
  const { num_classes: count } = kind.writeConfig(config);
  const classes = typeof count === 'number' ? await readCheckpointClasses(folder, count) : undefined;
  const used = Object.entries(parameters).filter(([name]) => !kind.ignored?.includes(name));
  return { kind, config, parameters: Object.fromEntries(used), classes: classes?.names };
}

/** Keys with other values in a checkpoint than in the model, as text. */
function keyProblems(expected: Json, got: Json): string[] {
  return meaningKeys.flatMap((key) => {
    const values = [expected[key] ?? usualValues[key], got[key] ?? usualValues[key]];
    if (values.includes(undefined)) return [];
    const [wanted, found] = values.map((value) => JSON.stringify(value));
    return wanted === found ? [] : [`${key} ${found} instead of ${wanted}`];
  });
}

/** Differences of the weights from the parameters that a run leaves as they are, as text. */
function untrainedProblems(
  { kind, config }: Architecture,
  { parameters }: SourceWeights,
  { whole, unused }: SelectedParameters,
  trained: ReadonlySet<string>,
): string[] {
  const specs = Object.entries(kind.specs(config)).filter(([name]) => !trained.has(name) && !whole.has(name));
  const missing = new Set([...specs.map(([name]) => name), ...unused]);
  const given = Object.entries(parameters).filter(([name]) => missing.has(name));
  const problems = parameterProblems(Object.fromEntries(specs), Object.fromEntries(given));
  // Such as the head's parameters for other neighbours.
  const others = [...missing].filter((name) => !problems.some((problem) => problem.includes(name)));
  return [...problems, ...others.map((name) => `another meaning of ${name}`)];
}

function countParts(names: readonly string[], parameters: Tensors<HostTensor>): StartAccount['unused'] {
  const counts = new Map<string, number>();
  for (const name of names)
    counts.set(partOf(name), (counts.get(partOf(name)) ?? 0) + sizeOf(parameters[name]?.shape ?? []));
  return Array.from(counts, ([name, count]) => ({ name, parameters: count }));
}

/** Sentences on the weights that a run starts from: one on the whole, one for each part. */
export function describeStart({ folder, kind, parts, unused }: StartAccount): string[] {
  const number = (value: number): string => value.toLocaleString('en-US');
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
  const all = `${number(sum(parts.map(({ taken }) => taken)))} of ${number(sum(parts.map((part) => part.parameters)))}`;
  return [
    `starts from '${folder}' (${kind}): takes ${all} parameters`,
    ...parts.map(({ name, parameters, taken, notes }) => {
      const count = taken === parameters ? `all ${number(parameters)}` : `${number(taken)} of ${number(parameters)}`;
      return `  ${[`${name}: ${count}`, ...notes].join('; ')}`;
    }),
    ...unused.map(
      ({ name, parameters }) => `  ${name}: ${number(parameters)} of the weights have no place in this model`,
    ),
  ];
}

/**
 * Digest of the weights that `init_from` names, for the data identity of a run.
 * @param state State of the run that is resumed. It needs the weights no longer: if they are gone, its record counts.
 */
export async function startIdentity(
  initFrom: string | undefined,
  state: TrainerState | undefined,
): Promise<Record<string, string>> {
  if (initFrom === undefined) return {};
  const recorded = state?.data.init_from;
  if (recorded !== undefined && state?.config?.init_from === initFrom && !existsSync(initFrom)) {
    return { init_from: recorded };
  }
  return { init_from: await checkpointIdentity(await findWeights(initFrom)) };
}
