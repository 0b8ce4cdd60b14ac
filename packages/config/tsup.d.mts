import type { defineConfig } from 'tsup';

type Settings = ReturnType<typeof defineConfig>;

/**
 * Build settings of a published package: ES modules, and type declarations of its entry points.
 * @param internal Programs of threads and modules that are loaded late. Nobody imports their types.
 */
export function library(entry?: string[]): Settings;
export function library(entry: Record<string, string>, internal?: Record<string, string>): Settings;

/**
 * Build settings of an example: programs that Node runs.
 * @param builtIn Packages of sources, which become a part of the programs.
 */
export function application(entry?: string[], builtIn?: readonly (string | RegExp)[]): Settings;
