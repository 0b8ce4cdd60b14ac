import { IoError } from '@dpar/io';
import { readJson, writeJson } from '@dpar/io/node';
import { checkArguments } from './check-arguments.js';

/** Names and values that decide what a run makes. */
export type Settings = Readonly<Record<string, string | number | boolean | null>>;

/** Most characters of a value that an error shows. */
const shownCharacters = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'none';
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}...` : text;
}

/**
 * Checks that two runs have the same settings.
 *
 * @param path File with the earlier settings, for the error message.
 * @param remedy An alternative to passing the same settings.
 * @throws IoError that names the first setting that differs.
 */
export function checkSettings(
  path: string,
  there: Readonly<Record<string, unknown>>,
  settings: Readonly<Record<string, unknown>>,
  remedy: string,
): void {
  checkArguments(
    'checkSettings',
    { path, there, settings, remedy },
    { path: 'string', there: 'object', settings: 'object', remedy: 'string' },
  );

  const names = new Set([...Object.keys(settings), ...Object.keys(there)]);
  const other = [...names].find((name) => JSON.stringify(there[name]) !== JSON.stringify(settings[name]));
  if (other === undefined) return;
  const values = [there[other], settings[other]];
  const digests = values.every((value) => typeof value === 'string' && value.startsWith('sha256:'));
  throw new IoError(
    `checkSettings: expected '${other}' ${shown(there[other])} as in '${path}', the settings of earlier work, ` +
      `got ${shown(settings[other])}${digests ? `: the content of '${other}' has changed` : ''}. ` +
      `Pass the same settings to resume, or ${remedy}.`,
  );
}

/** File with the settings of a run beside its shards. All who work on the run agree on them. */
export class RunSettings {
  /** True if the file is there. */
  isThere = false;

  private constructor(
    readonly path: string,
    readonly settings: Settings,
    private readonly remedy: string,
  ) {}

  /**
   * Compares the settings with those of an earlier run, if there was one.
   *
   * @param remedy An alternative to passing the same settings, for the error message.
   * @throws IoError if a setting differs, or the file is not a JSON object.
   */
  static async open(path: string, settings: Settings, remedy: string): Promise<RunSettings> {
    checkArguments(
      'RunSettings.open',
      { path, settings, remedy },
      { path: 'string', settings: 'object', remedy: 'string' },
    );
    const opened = new RunSettings(path, settings, remedy);
    await opened.agree();
    return opened;
  }

  /**
   * Writes the file, unless it is there. Call it with the first result, so that a run that fails earlier binds no later run.
   *
   * @throws IoError if a run with other settings has begun in the meantime.
   */
  async write(): Promise<void> {
    if (this.isThere) return;
    await this.agree();
    if (!this.isThere) await writeJson(this.path, this.settings);
    this.isThere = true;
  }

  private async agree(): Promise<void> {
    const there = await readJson(this.path);
    if (there !== undefined) checkSettings(this.path, there, this.settings, this.remedy);
    this.isThere = there !== undefined;
  }
}
