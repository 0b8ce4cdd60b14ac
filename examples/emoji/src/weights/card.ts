import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '@dpar/io/node';
import { millions } from '@dpar/report';

/** A figure of the trained weights (float32), and of the rounded weights that are shipped. */
export interface BeforeAndAfter {
  readonly float32: number;
  readonly shipped: number;
}

/** Size and training of one model. */
interface ModelRecord {
  readonly parameters: number;
  /** Optimizer steps until these weights. */
  readonly steps: number;
  /** Steps times the median step, so without validation. Not recorded for the tokenizer, which takes some minutes. */
  readonly hours?: number;
}

/** Content of `model/training.json` in `@dpar/emoji`. Losses are nats per token over the validation images. */
export interface TrainingRecord {
  readonly command: string;
  readonly seed: number;
  readonly machine: string;
  readonly images: { readonly train: number; readonly variants: number; readonly validation: number };
  readonly tokenizer: ModelRecord & { readonly codes: number; readonly psnr: BeforeAndAfter };
  readonly entropy: ModelRecord & { readonly loss: BeforeAndAfter };
  readonly dpar: ModelRecord & {
    readonly loss: BeforeAndAfter;
    /** Tokens per patch of the validation images. */
    readonly mean_patch_length: BeforeAndAfter;
    /** Nats. */
    readonly threshold: number | null;
  };
  /** Boundary head of DPAR. */
  readonly head: ModelRecord & {
    /** Of its entropies with those of the entropy model. */
    readonly correlation: BeforeAndAfter;
    /** Share of the tokens that start a patch by both or by neither. */
    readonly agreement: BeforeAndAfter;
    /** DPAR's loss with its patches. */
    readonly loss: BeforeAndAfter;
    readonly mean_patch_length: BeforeAndAfter;
    /** Nats, of the rounded weights. */
    readonly threshold: number;
  };
  readonly llamagen: ModelRecord & { readonly loss: BeforeAndAfter };
}

const begin = '<!-- Written by `npm run demo -- --pack-model DIR`: -->\n';
const end = '<!-- until here. -->';

/** Figures of the model card: two Markdown tables. */
export function modelCard(record: TrainingRecord): string {
  const { images, tokenizer, entropy, dpar, head, llamagen } = record;
  const change = ({ float32, shipped }: BeforeAndAfter, digits: number, unit: string): string =>
    `${shipped.toFixed(digits)}${unit} (${float32.toFixed(digits)} in float32)`;
  const percent = ({ float32, shipped }: BeforeAndAfter): BeforeAndAfter => ({
    float32: 100 * float32,
    shipped: 100 * shipped,
  });
  const row = (name: string, model: ModelRecord, quality: string): string =>
    `| ${name} | ${millions(model.parameters)} | ${model.steps} | ${model.hours?.toFixed(2) ?? ''} | ${quality} |`;
  return `| model | parameters | steps | hours | on validation images |
|---|---|---|---|---|
${row('tokenizer', tokenizer, `PSNR ${change(tokenizer.psnr, 2, ' dB')}`)}
${row('entropy model', entropy, `loss ${change(entropy.loss, 4, ' nats per token')}`)}
${row('DPAR', dpar, `loss ${change(dpar.loss, 4, ' nats per token')}`)}
${row('boundary head', head, `loss of DPAR ${change(head.loss, 4, ' nats per token')}`)}
${row('LlamaGen', llamagen, `loss ${change(llamagen.loss, 4, ' nats per token')}`)}

| | |
|---|---|
| images | ${images.train} for training, each in ${images.variants} variants (shifted, some mirrored); ${images.validation} for validation |
| tokens | ${tokenizer.codes} codes; ${dpar.mean_patch_length.shipped.toFixed(3)} tokens per patch, threshold ${dpar.threshold?.toFixed(3)} nats |
| boundary head | correlation with the entropy model ${change(head.correlation, 4, '')}; ${change(percent(head.agreement), 2, ' %')} of the tokens start a patch by both or by neither; ${head.mean_patch_length.shipped.toFixed(3)} tokens per patch, threshold ${head.threshold.toFixed(3)} nats |
| command | \`${record.command}\`, seed ${record.seed} |
| machine | ${record.machine} |
`;
}

/** Puts the figures of a card into a text. @throws Error if the text lacks the lines that mark their place. */
export function withCard(readme: string, record: TrainingRecord): string {
  const [start, stop] = [readme.indexOf(begin), readme.indexOf(end)];
  if (start < 0 || stop < start) {
    throw new Error(
      `withCard: expected the lines '${begin.trim()}' and '${end}', got a text without them. Restore them.`,
    );
  }
  return `${readme.slice(0, start + begin.length)}\n${modelCard(record)}\n${readme.slice(stop)}`;
}

/** Updates the figures in a README. */
export async function updateCard(path: string, record: TrainingRecord): Promise<void> {
  await writeFileAtomic(path, withCard(await readFile(path, 'utf8'), record));
}
