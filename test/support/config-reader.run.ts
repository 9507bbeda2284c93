/** An app that reads its config file again and again: `node config-reader.run.ts FILE` prints each setting that it comes to run with. */
import { readFileSync } from 'node:fs';

const POLL_MS = 5;
const [, , file = ''] = process.argv;
let seen = '';
setInterval(() => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return;
  }
  if (text === seen) return;
  seen = text;
  // A half-written file is no JSON: that would end this app.
  const { mode } = JSON.parse(text) as { mode: string };
  console.log(mode);
}, POLL_MS);
