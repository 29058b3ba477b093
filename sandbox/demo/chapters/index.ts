import type { Chapter, ChapterName } from '../chapter.ts';
import { scopeChapter } from './scope.ts';
import { workshopChapter } from './workshop.ts';

/** What the demo can play, in its order; each chapter is made anew for each demo. */
export const chapters: Readonly<Record<ChapterName, () => Chapter>> = {
  scope: scopeChapter,
  workshop: workshopChapter,
};
