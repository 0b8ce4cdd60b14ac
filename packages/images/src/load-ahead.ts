/**
 * Yields the results of `load` for 0 to `count - 1`, in order. Up to `ahead` calls run at a time.
 *
 * @throws the errors of `load`, in turn.
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
      loading.catch(() => {}); // thrown in turn, or ignored if the consumer stops
      underWay.push(loading);
    }
    yield await (underWay.shift() as Promise<V>);
  }
}
