import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsMarkdown } from '../src/config/settings.ts';
import { errorsMarkdown } from '../src/kernel/error-codes.ts';
import { LimitsSchema } from '../src/limiter/limits-schema.ts';
import { metricsMarkdown } from '../src/observe/metric-table.ts';
import { buildCliDocs } from './build-cli-docs.ts';
import { buildOpenapi } from './build-openapi.ts';
import { buildTimelineApp } from './build-timeline.ts';
import type { Generator } from './generated-files.ts';

/** A page of docs/ that a table of src/ renders. */
function docsPage(file: string, render: () => string): Generator {
  return { name: file, folder: 'docs', files: [file], run: (outDir) => writeFileSync(join(outDir, file), render()) };
}

/** Every committed file that is made from code. A new one is one line here; `npm run generate` writes it, `npm run check` compares it. */
export const GENERATORS: readonly Generator[] = [
  { name: 'command line', folder: 'docs', files: ['cli.md'], run: buildCliDocs },
  docsPage('config.md', settingsMarkdown),
  docsPage('errors.md', errorsMarkdown),
  docsPage('metrics.md', metricsMarkdown),
  docsPage('limits.schema.json', () => `${JSON.stringify(LimitsSchema, undefined, 2)}\n`),
  { name: 'openapi', folder: '.', files: ['openapi.yaml'], run: buildOpenapi },
  { name: 'timeline app', folder: 'src/bundle/timeline/generated', files: ['app.ts'], run: buildTimelineApp },
];
