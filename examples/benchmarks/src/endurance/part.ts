/** Settings of an endurance run. */
export interface EnduranceSettings {
  /** Tokens that each sampler draws. */
  readonly tokens: number;
  /** Training steps. */
  readonly steps: number;
  /** Processes killed, over all commands. */
  readonly kills: number;
  /** Minutes of damaged files, over all readers. */
  readonly minutes: number;
  /** All random choices are a function of it. */
  readonly seed: number;
  /** Folder of the report and of files that were not read as they should. */
  readonly output: string;
  /** Receives lines of progress. */
  report(line: string): void;
}

/** Result of a part of an endurance run. */
export interface PartResult {
  /** Rows by column, for people. */
  readonly rows: readonly Readonly<Record<string, string>>[];
  /** Sentences about what was compared, and within which tolerance. */
  readonly about: string;
  /** One sentence for each thing that does not hold. */
  readonly faults: readonly string[];
  /** Figures in full. */
  readonly data: unknown;
}

/** A part of an endurance run. */
export interface Part {
  readonly name: 'memory' | 'kills' | 'fuzz';
  readonly title: string;
  run(settings: EnduranceSettings): Promise<PartResult>;
}
