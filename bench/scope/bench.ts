import type { Bench } from '../bench.ts';
import { scopeLines } from './print.ts';
import { callChart, scopeSection } from './report.ts';
import type { ScopeBench } from './result.ts';
import { benchScopes } from './run.ts';
import { shapes } from './shape.ts';

export const scopeBench: Bench<ScopeBench> = {
  measure: (shape, report) => benchScopes(shapes[shape], report),
  lines: scopeLines,
  section: scopeSection,
  charts: (run) => ({ 'performance-scope-calls.svg': callChart(run) }),
};
