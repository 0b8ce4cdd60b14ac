import { Application, Logger, LogLevel, type ProjectReflection, type TypeDocOptions } from 'typedoc';
import type ts from 'typescript';

/** TypeDoc's knowledge of some sources. */
export interface Reference {
  readonly app: Application;
  readonly project: ProjectReflection;
  readonly program: ts.Program;
  /** Findings of TypeDoc's own checks: exports without a comment or left out, links that lead nowhere. */
  readonly warnings: readonly string[];
}

/** Reads the sources of entry points with their comments. @throws Error if TypeDoc cannot. */
export async function convert(options: TypeDocOptions): Promise<Reference> {
  const app = await Application.bootstrapWithPlugins({ ...options, logLevel: LogLevel.Warn });
  const warnings: string[] = [];
  app.logger = new (class extends Logger {
    override log(message: string, level: LogLevel): void {
      if (level >= LogLevel.Warn) warnings.push(message);
    }
  })();
  const entryPoints = app.getEntryPoints() ?? [];
  const [entryPoint] = entryPoints;
  if (entryPoint === undefined) {
    throw new Error(`convert: expected sources that TypeDoc reads, got ${warnings.join('\n')}`);
  }
  const project = app.converter.convert(entryPoints);
  app.validate(project);
  return { app, project, program: entryPoint.program, warnings };
}
