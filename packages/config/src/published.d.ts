/** The repository's root folder. */
export const root: string;

/** A package that goes to the registry. */
export interface Published {
  readonly name: string;
  /** Its folder, from the repository's root. */
  readonly folder: string;
  readonly manifest: PackageManifest;
}

/** What the checks read of a package.json. */
export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly sideEffects?: boolean | readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly files: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly [key: string]: unknown;
}

/**
 * All packages that are not private, by the names of their folders.
 *
 * @param repository Its root folder (default: that of this one).
 */
export function publishedPackages(repository?: string): Published[];
