/**
 * `node test/fault/versions-script.run.ts FOLDER SCENARIO`: opens the store of versions in FOLDER and does the scenario's steps, one after the
 * other in this thread. A line of JSON says when it is open, and how each step ended.
 */
import { writeSync } from 'node:fs';
import { toVersionsError } from '../../src/versions/to-versions-error.ts';
import { scenarioOf } from './versions-scenarios.ts';
import { auditPath, openCase, perform } from './versions-steps.ts';
import { FileAudit } from './file-audit.ts';

const [folder = '', name = ''] = process.argv.slice(2);
const { steps, keep, clockMs } = scenarioOf(name);
const say = (line: object): unknown => writeSync(1, `${JSON.stringify(line)}\n`);

// Files get the same names each time, so that a fault can be put at one of them; attempts of an earlier process have others.
let drawn = 0;
const begun = new FileAudit(auditPath(folder)).entries().length;
crypto.randomUUID = () => `00000000-0000-4000-8000-${String(begun).padStart(6, '0')}${String(drawn++).padStart(6, '0')}`;

const opened = await openCase(folder, keep, clockMs);
say({ ready: opened.troubles.map(({ code }) => code) });
for (const [step, asked] of steps.entries()) {
  try {
    await perform(opened, asked);
    say({ step, isDone: true });
  } catch (error) {
    const { code, message } = toVersionsError(error);
    say({ step, isDone: false, code, message });
  }
}
await opened.store.close();
