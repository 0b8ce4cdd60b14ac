import { unknownName } from '@dpar/check';
import { writeFileAtomic } from '@dpar/io/node';
import { type PatchingOptions, patchingModes, patchLengths } from '@dpar/patchify';
import { defineCommand } from '../command/command.js';
import { CommandError } from '../command/errors.js';
import { countOf } from '../command/format.js';
import { file, outputFile, required } from '../command/options.js';
import { isObject, type JsonObject, readJsonObject } from '../input-files.js';

export const patchify = defineCommand({
  name: 'patchify',
  summary: 'Group tokens into patches by their entropies',
  details:
    "Input: a JSON object with a list 'cases'. A case has 'entropies' (in nats; entry j belongs to the prediction " +
    "of token j + 1), 'threshold', 'max_patch_length', 'row_length' and 'tokens'. With 'mode' 'static' or " +
    "'token', it needs no entropies. The keys 'name', 'note', 'id', 'image', 'file' and 'label' are copied. Other " +
    'keys are errors.\n\n' +
    "Output: the same cases with 'patch_lengths'.",
  options: {
    input: required(file, 'cases, .json'),
    output: required(outputFile, 'output: *.json'),
  },
  run: async ({ input, output }) => {
    const content = await readJsonObject(input);
    try {
      checkKeys(content, ['cases'], ['name', 'note']);
    } catch (error) {
      throw new CommandError(`'${input}': ${(error as Error).message}`, { cause: error });
    }
    if (!Array.isArray(content.cases)) {
      throw new CommandError(
        `expected a list 'cases' in '${input}', got ${JSON.stringify(content.cases)}. Check the file.`,
      );
    }
    const cases = content.cases.map((entry: unknown, i) => {
      try {
        return { ...asObject(entry), patch_lengths: [...lengthsOf(asObject(entry))] };
      } catch (error) {
        throw new CommandError(`case ${i} of '${input}': ${error instanceof Error ? error.message : error}`, {
          cause: error,
        });
      }
    });
    await writeFileAtomic(output, `${JSON.stringify({ ...content, cases })}\n`);
    return { data: { output, cases: cases.length }, text: `${countOf(cases.length, 'case')} written to ${output}` };
  },
});

function asObject(entry: unknown): JsonObject {
  return isObject(entry) ? entry : refuse('an object', entry);
}

const caseKeys = ['entropies', 'tokens', 'mode', 'threshold', 'max_patch_length', 'row_length'];

/** Keys of a case that are copied: its result and its description. */
const remarkKeys = ['patch_lengths', 'name', 'note', 'id', 'image', 'file', 'label'];

/** @throws CommandError for an unknown key. */
function checkKeys(object: JsonObject, known: readonly string[], remarks: readonly string[]): void {
  for (const key of Object.keys(object)) {
    if (known.includes(key) || remarks.includes(key)) continue;
    throw new CommandError(`expected keys among ${known.join(', ')}, got an ${unknownName('key', '', key, known)}`);
  }
}

/** Patch lengths of one case. */
function lengthsOf(entry: JsonObject): Int32Array {
  checkKeys(entry, caseKeys, remarkKeys);
  const mode = (entry.mode ?? 'entropy_row_boundary') as NonNullable<PatchingOptions['mode']>;
  const options: PatchingOptions = {
    mode,
    threshold: numberOrNull(entry, 'threshold'),
    maxPatchLength: numberOrNull(entry, 'max_patch_length'),
    rowLength: numberOrNull(entry, 'row_length'),
  };
  return patchLengths(entropiesOf(entry, patchingModes[mode]?.needsEntropies ?? true), options);
}

/**
 * Entropies in double precision, so rounding moves none across the threshold. For a case without entropies, the number
 * of tokens.
 */
function entropiesOf({ entropies, tokens }: JsonObject, needed: boolean): Float64Array | number {
  if (entropies === undefined && !needed) {
    return typeof tokens === 'number' ? tokens : refuse("a number for 'tokens' in a case without entropies", tokens);
  }
  if (!Array.isArray(entropies) || !entropies.every((entropy) => typeof entropy === 'number')) {
    return refuse("a list of numbers for 'entropies'", entropies);
  }
  if (tokens !== undefined && tokens !== entropies.length + 1) {
    return refuse(`'tokens' to be one more than the ${entropies.length} entropies`, tokens);
  }
  return Float64Array.from(entropies);
}

function numberOrNull(entry: JsonObject, key: string): number | null {
  const value = entry[key] ?? null;
  return value === null || typeof value === 'number' ? value : refuse(`a number or null for '${key}'`, value);
}

function refuse(expected: string, got: unknown): never {
  throw new CommandError(`expected ${expected}, got ${JSON.stringify(got)?.slice(0, 60) ?? 'none'}. Check the file.`);
}
