import type { defineConfig } from 'tsup';

type Settings = ReturnType<typeof defineConfig>;

/** Build settings of a published package: ES modules and type declarations of its entry points. */
export function library(entry?: string[] | Record<string, string>): Settings;

/** Build settings of an example: one program that Node runs. */
export function application(entry?: string[]): Settings;
