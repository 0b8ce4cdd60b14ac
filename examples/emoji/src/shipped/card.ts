import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '@dpar/io/node';
import { millions } from '@dpar/report';
import type { BeforeAndAfter, ModelRecord, TrainingRecord } from './training-record.js';

const begin = '<!-- Written by `npm run demo -- --pack-model DIR`: -->\n';
const end = '<!-- until here. -->';

/** The figures of the model card: two Markdown tables. */
export function modelCard(record: TrainingRecord): string {
  const { images, tokenizer, entropy, dpar, llamagen } = record;
  const change = ({ float32, shipped }: BeforeAndAfter, digits: number, unit: string): string =>
    `${shipped.toFixed(digits)} ${unit} (${float32.toFixed(digits)} in float32)`;
  const row = (name: string, model: ModelRecord, quality: string): string =>
    `| ${name} | ${millions(model.parameters)} | ${model.steps} | ${model.hours?.toFixed(2) ?? ''} | ${quality} |`;
  return `| model | parameters | steps | hours | on validation images |
|---|---|---|---|---|
${row('tokenizer', tokenizer, `PSNR ${change(tokenizer.psnr, 2, 'dB')}`)}
${row('entropy model', entropy, `loss ${change(entropy.loss, 4, 'nats per token')}`)}
${row('DPAR', dpar, `loss ${change(dpar.loss, 4, 'nats per token')}`)}
${row('LlamaGen', llamagen, `loss ${change(llamagen.loss, 4, 'nats per token')}`)}

| | |
|---|---|
| images | ${images.train} for training, each in ${images.variants} variants (shifted, some mirrored); ${images.validation} for validation |
| tokens | ${tokenizer.codes} codes; ${dpar.mean_patch_length.shipped.toFixed(3)} tokens per patch, threshold ${dpar.threshold?.toFixed(3)} nats |
| command | \`${record.command}\`, seed ${record.seed} |
| machine | ${record.machine} |
`;
}

/** Text with the figures of a card put in. @throws Error if it has no place for them. */
export function withCard(readme: string, record: TrainingRecord): string {
  const [start, stop] = [readme.indexOf(begin), readme.indexOf(end)];
  if (start < 0 || stop < start) {
    throw new Error(`withCard: expected the lines '${begin.trim()}' and '${end}', got none. Put them back.`);
  }
  return `${readme.slice(0, start + begin.length)}\n${modelCard(record)}\n${readme.slice(stop)}`;
}

/** Brings the figures in a README up to date. */
export async function updateCard(path: string, record: TrainingRecord): Promise<void> {
  await writeFileAtomic(path, withCard(await readFile(path, 'utf8'), record));
}
