/** Results of asynchronous work, by name. Work is done on first use, and again after a failure. */
export class Once {
  private readonly made = new Map<string, Promise<unknown>>();

  get<V>(name: string, make: () => Promise<V>): Promise<V> {
    const known = this.made.get(name) as Promise<V> | undefined;
    if (known) return known;
    const made = make();
    this.made.set(name, made);
    made.catch(() => this.made.delete(name));
    return made;
  }

  /** Forgets a result, so that the work is done again. @returns The result, if there was one. */
  async forget<V>(name: string): Promise<V | undefined> {
    const known = this.made.get(name) as Promise<V> | undefined;
    this.made.delete(name);
    return known?.catch(() => undefined);
  }
}
