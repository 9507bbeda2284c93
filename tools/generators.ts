import { buildTimelineApp } from './build-timeline.ts';
import type { Generator } from './generated-files.ts';

/** Every committed file that is made from code. A new one is one line here; `npm run generate` writes it, `npm run check` compares it. */
export const GENERATORS: readonly Generator[] = [
  { name: 'timeline app', folder: 'src/bundle/timeline/generated', files: ['app.ts'], run: buildTimelineApp },
];
