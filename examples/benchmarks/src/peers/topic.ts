/** Settings of a comparison. */
export interface PeerSettings {
  /** Threads of all computations. */
  readonly threads: number;
  /** Measurements of each, whose median counts. */
  readonly rounds: number;
  /** Tiny sizes, for a test. */
  readonly small: boolean;
  /** Receives a line on the progress. */
  readonly report: (line: string) => void;
}

/** Values of both, compared. */
export interface Agreement {
  /** Difference that was measured, such as `relative difference of the loss`. */
  readonly of: string;
  readonly difference: number;
  /** Largest difference that passes. */
  readonly within: number;
}

/** One comparison with a peer. */
export interface Row {
  /** The work, such as `training step, 4 images`. */
  readonly what: string;
  /** The peer and its form, such as `PyTorch, float32, compiled`. */
  readonly peer: string;
  /** Seconds, medians over the rounds. Missing with the peer. */
  readonly seconds?: { readonly ours: number; readonly peer: number };
  /** Times as fast as the peer: median over the rounds of the peer's time over ours. */
  readonly ratio?: number;
  /** Amount of work and its unit, for a speed such as tokens per second. */
  readonly amount?: { readonly of: number; readonly unit: string };
  readonly agreement?: Agreement;
  /** Why the peer has no figures. */
  readonly missing?: string;
  /** Reason for a longer time than the peer's. It is shown only with one. */
  readonly ifSlower: string;
}

/** Everything that a topic found. */
export interface TopicResult {
  readonly rows: readonly Row[];
  /** Versions of what was used, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Comparisons of one kind of work, measured in a process of its own. */
export interface Topic {
  readonly name: string;
  readonly title: string;
  /** The work and how it was made the same for all. */
  readonly about: string;
  measure(settings: PeerSettings): Promise<TopicResult>;
}

/** True if the values of a row differ too much. */
export const differs = ({ agreement }: Row): boolean =>
  agreement !== undefined && !(agreement.difference <= agreement.within);
