import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** docs/formats/ledger.md, Watermark. */
const SLOT_BYTES = 4096;

interface WatermarkState {
  readonly generation: bigint;
  readonly epoch: number;
  readonly size: number;
}

/** What one ledger needs on the disk: its data folder and, beside it, the folder of its checkpoint lock. */
export class CaseFolder {
  readonly path: string;
  readonly dataDir: string;
  readonly anchorDir: string;

  constructor(path: string) {
    this.path = path;
    this.dataDir = join(path, 'data');
    this.anchorDir = join(path, 'anchors');
    mkdirSync(path, { recursive: true });
  }

  /** The same bytes in a folder of their own. */
  copyTo(path: string): CaseFolder {
    cpSync(this.path, path, { recursive: true, preserveTimestamps: true });
    return new CaseFolder(path);
  }

  /** What the newer watermark slot states. */
  watermark(): WatermarkState {
    const [first, second] = this.watermarkSlots();
    return first.generation > second.generation ? first : second;
  }

  watermarkSlots(): readonly [WatermarkState, WatermarkState] {
    const bytes = readFileSync(join(this.dataDir, 'ledger', 'watermark'));
    return [toState(bytes.subarray(0, SLOT_BYTES)), toState(bytes.subarray(SLOT_BYTES))];
  }

  /** Settings of a sidecar that works here. */
  env(): Readonly<Record<string, string>> {
    return { PROOFS_ANCHOR: 'file', PROOFS_ANCHOR_DIR: this.anchorDir };
  }
}

function toState(slot: Buffer): WatermarkState {
  return { generation: slot.readBigUInt64BE(8), epoch: slot.readUInt32BE(16), size: Number(slot.readBigUInt64BE(20)) };
}
