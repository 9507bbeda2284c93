import type { BodyKind } from './ports.ts';

/** A patch file that is being written and has no name yet. Whoever opened it drops it or gives it its name. */
export interface PatchDraft {
  /** Written so far. */
  readonly bytes: number;
  append(chunk: Uint8Array): Promise<void>;
  drop(): Promise<void>;
}

/** `full`: no patch is smaller than the content itself, and no draft is left. */
export type ChosenBody = { readonly kind: Exclude<BodyKind, 'full'>; readonly draft: PatchDraft } | { readonly kind: 'full' };
