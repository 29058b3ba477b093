import type { Bench } from '../bench.ts';
import { workshopLines } from './print.ts';
import { charts, workshopSection } from './report.ts';
import type { WorkshopBench } from './result.ts';
import { benchWorkshops } from './run.ts';
import { shapes } from './shape.ts';

export const workshopBench: Bench<WorkshopBench> = {
  measure: (shape, report) => benchWorkshops(shapes[shape], report),
  lines: workshopLines,
  section: workshopSection,
  charts,
};
