/** Root folder of the repository. */
export const root: string;

/** Published package. */
export interface Published {
  readonly name: string;
  /** Folder, relative to the root of the repository. */
  readonly folder: string;
  readonly manifest: PackageManifest;
}

/** Part of a package.json that the checks read. */
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
 * Packages that are not private, in the order of their folders.
 *
 * @param repository Root folder (default: that of this repository).
 */
export function publishedPackages(repository?: string): Published[];
