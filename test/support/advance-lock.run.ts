/** Moves the checkpoint lock in a folder on and on, one line on standard output for each note that stands there; ends when it is killed. */
import { FileCheckpointStore } from '../../src/anchor/file-checkpoint-store.ts';

const [dir, id] = process.argv.slice(2);
const store = new FileCheckpointStore(dir, id);
let note = await store.read();
for (let round = 1; ; round++) {
  const next = `example.org/log\n${round}\n${'A'.repeat(43)}=\n\n— example.org/log ${round % 2 === 0 ? 'short' : 'long'.repeat(2000)}\n`;
  const swap = await store.swap(note, next);
  if (!swap.isSwapped) throw new Error(`found ${swap.found}`);
  note = next;
  process.stdout.write(`${round}\n`);
}
