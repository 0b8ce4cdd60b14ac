import { figure, millions, percent } from '../format.js';
import { type Html, type HtmlValue, html, table } from '../html.js';
import { type TrainingRun, trainingFlop, trainsTokenizer } from './run.js';
import { figuresOf, gigaFlops } from './summary.js';

/** Flattens nested settings to keys such as `optimizer.learning_rate`, with their values as text. */
export function flatSettings(settings: Readonly<Record<string, unknown>>, prefix = ''): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [name, value] of Object.entries(settings)) {
    const key = prefix + name;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [inner, text] of flatSettings(value as Record<string, unknown>, `${key}.`)) flat.set(inner, text);
    } else if (value !== undefined) {
      flat.set(key, typeof value === 'string' ? value : JSON.stringify(value));
    }
  }
  return flat;
}

/** Size and cost of a run's model. */
export function modelSection(run: TrainingRun): Html | undefined {
  const { model, classes } = run;
  if (model === undefined) return undefined;
  const flop = trainingFlop(model);
  const { imagesPerSecond, step } = figuresOf(run);
  const images = step * Number(run.settings.batch_size ?? Number.NaN);
  return html`<h2>Model</h2>
${list([
  ['Kind', model.kind],
  ['Parameters', millions(model.parameters)],
  ['Classes', classes && shownClasses(classes)],
  [
    'Forward pass',
    `${figure(model.forwardMacs / 1e9)} GMAC per image, all ${trainsTokenizer(run) ? 'convolutions and ' : ''}matrix products`,
  ],
  ['Training', `${figure(flop / 1e9)} GFLOP per image, forward and backward`],
  ['Speed', `${gigaFlops(imagesPerSecond, model)} GFLOP per second, median`],
  ['So far', Number.isFinite(images) ? `${figure((images * flop) / 1e12)} TFLOP for ${images} images` : undefined],
])}`;
}

/** Names of classes in a list. */
const mostClasses = 30;

function shownClasses(names: readonly string[]): string {
  const more = names.length > mostClasses ? ` and ${names.length - mostClasses} more` : '';
  return `${names.length}: ${names.slice(0, mostClasses).join(', ')}${more}`;
}

/** Weights that a run starts from: a row for each part of the model. */
export function startSection({ name, start }: TrainingRun, alone: boolean): Html | undefined {
  if (start === undefined) return undefined;
  const { folder, kind, parts } = start;
  const rows = parts.map((part) => [
    part.name,
    millions(part.parameters),
    percent(part.taken / part.parameters),
    part.notes.join('; '),
  ]);
  return html`<h2>${alone ? 'Starts from' : `${name} starts from`}</h2>
<p class="soft">${folder} (${kind}). The optimizer starts anew.</p>
<div class="settings start">${table(['Part', 'Parameters', 'Taken', 'Others'], rows)}</div>`;
}

/** Settings of one run, or of several runs: first those that differ, then the common ones. */
export function settingsSection(runs: readonly TrainingRun[]): Html {
  const flat = runs.map(({ settings }) => flatSettings(settings));
  const keys = [...new Set(flat.flatMap((settings) => [...settings.keys()]))];
  const differ = (key: string): boolean => new Set(flat.map((settings) => settings.get(key))).size > 1;
  const shared = keys.filter((key) => !differ(key));
  const different = keys.filter(differ);
  const rows = different.map((key) => [key, ...flat.map((settings) => settings.get(key) ?? '-')]);
  return html`<h2>Settings</h2>
${rows.length > 0 ? html`<div class="settings">${table(['', ...runs.map(({ name }) => name)], rows)}</div>` : undefined}
<details${runs.length > 1 ? '' : html` open`}><summary>${runs.length > 1 ? 'What the runs share' : 'All keys of the configuration'}</summary>
${list(shared.map((key) => [key, flat[0]?.get(key)]))}</details>`;
}

/** Hardware and versions of each run. */
export function machineSection(runs: readonly TrainingRun[]): Html {
  const known = runs.flatMap(({ name, record }) => (record ? [{ name, machine: record.machine }] : []));
  if (known.length === 0) return html``;
  return html`<h2>Machine</h2>
${known.map(
  ({ name, machine }) =>
    html`${known.length > 1 ? html`<h3>${name}</h3>` : undefined}${list(Object.entries(machine))}
`,
)}`;
}

/** List of names and values. Entries without a value are omitted. */
function list(entries: readonly (readonly [string, HtmlValue])[]): Html {
  const known = entries.filter(([, value]) => value !== undefined);
  return html`<dl>${known.map(
    ([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>
`,
  )}</dl>`;
}
