import { MultiBar, Presets } from 'cli-progress';

/** Shows how far a stage is. */
export interface Progress {
  /** @param note Further figures, such as a loss. */
  update(done: number, note?: string): void;
}

/** Shows the stages of the run on stderr and measures their time. */
export interface Stages {
  /** Runs one stage. */
  run<R>(name: string, total: number, work: (progress: Progress) => Promise<R>): Promise<R>;
  /** Stages that have ended, in order. */
  readonly done: readonly { readonly name: string; readonly seconds: number }[];
  /** Leaves the terminal as it was. */
  stop(): void;
}

/** Bars on a terminal; elsewhere a line when a stage begins and ends, and every ten seconds between. */
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
      const result = await work({
        update(count, note = '') {
          const left =
            count > 0 && count < total ? `, ${((elapsed() * (total - count)) / count).toFixed(0)} s left` : '';
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
      // A second stop would draw the bars once more, over what was printed since.
      if (bars?.isActive) bars.stop();
    },
  };
}
