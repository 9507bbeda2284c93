/** A witness that is asked once, for those who watch or break its system calls: DATA_DIR, the log's key, the request as base64. */
import { parseTrustedLogs } from '../../src/anchor/witness-lists.ts';
import { openWitnessKey, witnessFiles } from '../../src/anchor/witness-files.ts';
import { Witness } from '../../src/anchor/witness.ts';

const [dataDir, logKey, request] = process.argv.slice(2);
const key = await openWitnessKey(dataDir);
const logs = parseTrustedLogs(logKey, 'the test');
const witness = new Witness({ key, name: 'w', logs, files: witnessFiles(dataDir), record: () => undefined });
try {
  process.stdout.write(`${(await witness.addCheckpoint(Buffer.from(request, 'base64'))).outcome}\n`);
} catch (error) {
  process.stdout.write(`refused: ${error instanceof Error ? error.message : String(error)}\n`);
}
