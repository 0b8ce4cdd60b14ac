export { barChart, type Chart, legend, lineChart, type Series } from './chart.js';
export { MovingMean, median, type Point, smooth, thin } from './curve.js';
export { ReportError } from './error.js';
export { figure, formatSeconds, millions, percent } from './format.js';
export { Html, type HtmlValue, html, narrowNote, table } from './html.js';
export { type Page, page } from './page.js';
export {
  heatColour,
  heatMap,
  image,
  imageOfPng,
  montage,
  type Picture,
  patchedImage,
  patchOutlines,
  pictureOf,
  toPng,
} from './picture.js';
export { type MetricsLine, parseMetrics } from './training/metrics.js';
export { trainingReport } from './training/report.js';
export type { ModelFigures, RunRecord, RunStart, SampleGrid, StartPart, TrainingRun } from './training/run.js';
export { shortRunNote } from './training/short-run.js';
export { stepTimes } from './training/step-times.js';
