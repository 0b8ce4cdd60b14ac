import type { PythonPeer } from './python-peer.js';
import type { Agreement, PeerSettings, Row, TopicResult } from './topic.js';
import { messageOf, type Timed, takeTurns } from './turns.js';

/** Least seconds of a measurement. Shorter work is repeated. */
const leastSeconds = 0.2;

/** One way to do the work that a comparison measures. */
export interface Contender {
  /** Name in the row, such as `PyTorch, float32, compiled`. */
  readonly peer: string;
  readonly ifSlower: string;
  /** Compares values, before anything is timed. Throws an error if the peer cannot do the work. */
  readonly agree: () => Promise<Agreement>;
  readonly work: Timed;
}

/** A peer that is not there. */
export interface Absent {
  readonly peer: string;
  readonly missing: string;
}

/** Compares our work with that of some peers: first the values of each, then the times, in turn. */
export async function compareWith(
  { what, amount, ours }: Pick<Row, 'what' | 'amount'> & { readonly ours: Timed },
  contenders: readonly (Contender | Absent)[],
  { rounds, small, report }: PeerSettings,
): Promise<Row[]> {
  const agreements = new Map<string, Agreement>();
  const failed = new Map<string, string>();
  const works = new Map<string, Timed>();
  for (const contender of contenders) {
    if ('missing' in contender) {
      failed.set(contender.peer, contender.missing);
      continue;
    }
    report(`${what}: values of ${contender.peer}`);
    try {
      agreements.set(contender.peer, await contender.agree());
      works.set(contender.peer, contender.work);
    } catch (error) {
      failed.set(contender.peer, messageOf(error));
    }
  }
  report(`${what}: times`);
  const times = works.size > 0 ? await takeTurns(ours, works, { rounds, least: small ? 0 : leastSeconds }) : new Map();
  return contenders.map((contender): Row => {
    const { peer } = contender;
    const found = times.get(peer);
    const missing = failed.get(peer) ?? (typeof found === 'string' ? found : undefined);
    const agreement = agreements.get(peer);
    return {
      what,
      peer,
      ...(amount && { amount }),
      ...(agreement && { agreement }),
      ...(missing === undefined ? found : { missing }),
      ifSlower: 'ifSlower' in contender ? contender.ifSlower : '',
    };
  });
}

/**
 * A contender that is a case of a Python script, or why it is absent.
 * @param needs What the case needs, by the names of the script.
 */
export function pythonContender(
  python: PythonPeer | string,
  { name, needs, ...contender }: Omit<Contender, 'work'> & { readonly name: string; readonly needs: readonly string[] },
): Contender | Absent {
  const { peer } = contender;
  if (typeof python === 'string') return { peer, missing: python };
  const reason = needs.map((need) => python.missing(need)).find((missing) => missing !== undefined);
  if (reason !== undefined) return { peer, missing: reason };
  return { ...contender, work: (repeat) => python.seconds(name, repeat) };
}

/** Versions of the packages of a script. */
export const versionsOf = (python: PythonPeer | string): TopicResult['versions'] =>
  typeof python === 'string' ? {} : python.versions;

/** Does something with a script, and ends it. */
export async function withPython<T>(
  started: Promise<PythonPeer | string>,
  use: (python: PythonPeer | string) => Promise<T>,
): Promise<T> {
  const python = await started;
  try {
    return await use(python);
  } finally {
    if (typeof python !== 'string') await python.stop();
  }
}
