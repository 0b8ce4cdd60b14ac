/** Throws a package's own error: `where: expected X, got Y. Remedy.` */
export type Refuse = (where: string, expected: string, got: unknown, remedy: string) => never;

/** Creates the function that throws a package's own error. */
export function createRefuse(PackageError: new (message: string) => Error): Refuse {
  return (where, expected, got, remedy) => {
    throw new PackageError(`${where}: expected ${expected}, got ${got}. ${remedy}`);
  };
}

/** Refuses a value that is not a whole number of at least `minimum`. */
export type CheckWhole = (where: string, name: string, value: number, minimum: number) => void;

/** Creates a check for whole numbers that throws a package's own error. */
export function createCheckWhole(PackageError: new (message: string) => Error): CheckWhole {
  const refuse = createRefuse(PackageError);
  return (where, name, value, minimum) => {
    if (!Number.isInteger(value) || value < minimum) {
      refuse(where, `'${name}' to be a whole number >= ${minimum}`, value, `Check '${name}'.`);
    }
  };
}
