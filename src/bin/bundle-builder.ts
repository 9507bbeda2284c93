#!/usr/bin/env node
/** `bundle_builder …` is `post-incident-proofs bundle build …`. A file of its own, because Windows command shims hide the name they were called by. */
process.argv.splice(2, 0, 'bundle', 'build');
await import('../main.ts');
