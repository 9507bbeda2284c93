import { fileURLToPath } from 'node:url';

/**
 * Environment of the programs that tests start: what Node compiled is kept, and a start takes half of its processor time. A process that is
 * killed writes nothing there, the first that stops by itself does.
 */
export const COMPILE_CACHE: Readonly<Record<string, string>> = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../.cache/compile', import.meta.url)),
};
