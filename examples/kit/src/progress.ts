import { MultiBar, Presets } from 'cli-progress';

/** Progress of one stage. */
export interface Progress {
  /** @param note Further figures, such as a loss. */
  update(done: number, note?: string): void;
}

/** Stages of a run: shows them on stderr and measures their time. */
export interface Stages {
  /** Runs one stage. @param total Value of `done` at its end. */
  run<R>(name: string, total: number, work: (progress: Progress) => Promise<R>): Promise<R>;
  /** Finished stages, in order. */
  readonly done: readonly { readonly name: string; readonly seconds: number }[];
  /** Restores the terminal. */
  stop(): void;
}

/** Shows bars on a terminal. Elsewhere prints a line at the start and end of a stage, and every ten seconds between. */
export function createStages(quiet = false): Stages {
  const stream = process.stderr;
  const isTerminal = stream.isTTY === true && !quiet;
  const bars = isTerminal
    ? new MultiBar(
        { stream, format: '{name} {bar} {percentage} % {time}  {note}', barsize: 28, hideCursor: true },
        Presets.shades_classic,
      )
    : undefined;
  const done: { name: string; seconds: number }[] = [];
  const say = (text: string): void => {
    if (!isTerminal && !quiet) stream.write(`${text}\n`);
  };
  return {
    done,
    async run(name, total, work) {
      const begun = performance.now();
      const elapsed = (): number => (performance.now() - begun) / 1000;
      const bar = bars?.create(total, 0, { name: name.padEnd(24), note: '', time: '' });
      say(`${name} ...`);
      let shownAt = 0;
      let first: { readonly count: number; readonly at: number } | undefined;
      const result = await work({
        update(count, note = '') {
          // What an interrupted run had finished before does not count for the rate.
          first ??= { count, at: elapsed() };
          const rate = (count - first.count) / (elapsed() - first.at);
          const left = rate > 0 && count < total ? `, ${((total - count) / rate).toFixed(0)} s left` : '';
          const time = `${elapsed().toFixed(0)} s${left}`;
          bar?.update(count, { note, time });
          if (elapsed() - shownAt < 10 || count === total) return;
          shownAt = elapsed();
          say(`${name}: ${Math.floor((100 * count) / total)} %, ${time}${note && `, ${note}`}`);
        },
      });
      const seconds = elapsed();
      bar?.update(total, { time: `${seconds.toFixed(0)} s` });
      bar?.stop();
      done.push({ name, seconds });
      say(`${name}: done in ${seconds.toFixed(1)} s`);
      return result;
    },
    stop() {
      // A second stop would draw the bars again, over later output.
      if (bars?.isActive) bars.stop();
    },
  };
}
