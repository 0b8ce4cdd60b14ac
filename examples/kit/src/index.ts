export { type CurvePoint, medianStepSeconds, validationCurve } from './curves.js';
export { describeMachine, describeProcessor } from './machine.js';
export { readOptions, runProgram, UsageError, wholeNumber } from './program.js';
export { createStages, type Progress, type Stages } from './progress.js';
export { findPython, type Python, type PythonPackages } from './python.js';
export { type Difference, differenceOf, formatSpread, type Spread, spreadOf } from './spread.js';
