import { entropyKind } from '@dpar/entropy';
import { dparKind, llamaGenKind } from '@dpar/model';
import { type ConfigOf, kindOfConfig, type ModelKind, type ModelOfKind, madeFromFiles } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { type TokenizerKind, tokenizerKinds } from '@dpar/tokenizer';

/** Kinds of the models in each folder of a model folder. */
export const partKinds = {
  tokenizer: tokenizerKinds,
  dpar: [dparKind],
  llamagen: [llamaGenKind],
  entropy: [entropyKind],
} as const satisfies Readonly<Record<string, readonly ModelKind[]>>;

/** Name of a part of a model, and of its folder. */
export type PartName = keyof typeof partKinds;

/** Names of all parts. */
export const partNames = Object.keys(partKinds) as PartName[];

/** Kind of the models of a part. */
export type PartKind<Name extends PartName> = (typeof partKinds)[Name][number];

/** A part without its weights: kind and configuration. */
export interface ModelPart<K extends ModelKind> {
  readonly kind: K;
  readonly config: ConfigOf<K>;
}

/** Content of a model folder, without the weights. Tokens form a square grid. */
export interface ModelParts {
  readonly tokenizer: ModelPart<TokenizerKind>;
  /** At least one of `dpar` and `llamagen` is there. */
  readonly dpar?: ModelPart<PartKind<'dpar'>>;
  readonly llamagen?: ModelPart<PartKind<'llamagen'>>;
  readonly entropy?: ModelPart<PartKind<'entropy'>>;
  /** Number of classes of the models that generate. */
  readonly numClasses: number;
  /** Names of the classes by number, if they are known. There may be fewer than classes. */
  readonly classes?: readonly string[];
  /** Rows and columns of the grid of tokens. */
  readonly gridSize: number;
  /** Width and height of an image in pixels. */
  readonly imageSize: number;
}

/** Settings of reading the weights of a part. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes that were read, and those in all, if they are known. */
  readonly onProgress?:
    | ((progress: { readonly loaded: number; readonly total: number | undefined }) => void)
    | undefined;
}

/** Reads the files of a model folder, on a disk or over the network. */
export interface ModelSource {
  /** Folder or address, for messages. */
  readonly place: string;
  /** Reads the `config.json` of a part; `undefined` if the part is not there. */
  readConfig(part: PartName): Promise<unknown>;
  /** Reads the names of the classes, from the folder of a part or from the model folder; `undefined` without any. */
  readClasses(part: PartName, numClasses: number): Promise<readonly string[] | undefined>;
  /** Reads the weights of a part. @throws the signal's reason when it is aborted. */
  readModel<Name extends PartName>(part: Name, options: ReadOptions): Promise<ModelOfKind<PartKind<Name>>>;
}

/**
 * Reads the configurations of a model folder, and checks that the parts belong together.
 * @param caller Function that errors name.
 * @throws DparError if a part is missing, of another kind, or made for other tokens.
 */
export async function readParts(caller: string, source: ModelSource): Promise<ModelParts> {
  const { place } = source;
  const read = async <Name extends PartName>(name: Name): Promise<ModelPart<PartKind<Name>> | undefined> => {
    const json = await source.readConfig(name);
    if (json === undefined) return undefined;
    const part = `${place}/${name}`;
    const kind: ModelKind = kindOfConfig<ModelKind>(caller, partKinds[name], json, part);
    return { kind, config: madeFromFiles(caller, part, () => kind.readConfig(json)) } as ModelPart<PartKind<Name>>;
  };
  const [tokenizer, dpar, llamagen, entropy] = await Promise.all([
    read('tokenizer'),
    read('dpar'),
    read('llamagen'),
    read('entropy'),
  ]);
  const generating = dpar ?? llamagen;
  if (tokenizer === undefined || generating === undefined)
    throw incomplete(caller, place, { tokenizer, dpar, llamagen, entropy });
  const { codebookSize } = tokenizer.config;
  for (const [name, part] of Object.entries({ dpar, llamagen, entropy })) {
    if (part === undefined) continue;
    const { blockSize, vocabSize } = part.config;
    if (blockSize === generating.config.blockSize && vocabSize === codebookSize) continue;
    throw new DparError(
      `${caller}: expected parts for ${generating.config.blockSize} tokens of ${codebookSize} codes in '${place}', got ` +
        `${blockSize} tokens of ${vocabSize} codes in ${name}. Put parts together that were trained with one tokenizer.`,
    );
  }
  const { numClasses, blockSize } = generating.config;
  const gridSize = Math.sqrt(blockSize);
  if (!Number.isInteger(gridSize)) {
    throw new DparError(
      `${caller}: expected models of a square number of tokens in '${place}', got ${blockSize}. Pass another model.`,
    );
  }
  const classes = await source.readClasses(dpar === undefined ? 'llamagen' : 'dpar', numClasses);
  return {
    tokenizer,
    ...(dpar && { dpar }),
    ...(llamagen && { llamagen }),
    ...(entropy && { entropy }),
    numClasses,
    ...(classes && { classes }),
    gridSize,
    // Models of more tokens than the tokenizer was trained with draw larger images, as LlamaGen does.
    imageSize: gridSize * tokenizer.kind.pixelsPerCode(tokenizer.config),
  };
}

function incomplete(caller: string, place: string, parts: Readonly<Record<string, unknown>>): DparError {
  const there = Object.keys(parts).filter((name) => parts[name] !== undefined);
  return new DparError(
    `${caller}: expected tokenizer/, and dpar/ or llamagen/, each with config.json and model.safetensors, in '${place}', ` +
      `got ${there.length === 0 ? 'none of them' : `only ${there.join(', ')}`}. Add the missing checkpoints.`,
  );
}
