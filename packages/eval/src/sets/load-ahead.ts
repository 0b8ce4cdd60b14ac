/**
 * What `load` gives for 0 to `count - 1`, in order, with up to `ahead` of them under way at a time.
 *
 * @throws what `load` throws, at its turn.
 */
export async function* loadAhead<V>(
  count: number,
  ahead: number,
  load: (index: number) => Promise<V>,
): AsyncGenerator<V> {
  const underWay: Promise<V>[] = [];
  for (let next = 0, done = 0; done < count; done++) {
    for (; next < count && next < done + ahead; next++) {
      const loading = load(next);
      loading.catch(() => {}); // it is thrown at its turn, unless nobody waits for it any more
      underWay.push(loading);
    }
    yield await (underWay.shift() as Promise<V>);
  }
}
