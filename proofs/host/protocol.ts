import type { CheckInput, CheckOutput } from './lean.ts';

/** What the process that runs Lean is asked, and what it answers; one answer for each request, in order. */
export type Request =
  | { readonly kind: 'start'; readonly distDir: string; readonly oleanDirs: readonly string[] }
  | { readonly kind: 'check'; readonly input: CheckInput }
  /** Loads functions `String → String` of a file, to be called by their names. */
  | { readonly kind: 'load'; readonly input: CheckInput; readonly names: readonly string[] }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly string[] };

export type Answer =
  | { readonly kind: 'started' | 'loaded' }
  | { readonly kind: 'checked'; readonly output: CheckOutput }
  | { readonly kind: 'called'; readonly results: readonly string[] }
  | { readonly kind: 'failed'; readonly reason: string };
