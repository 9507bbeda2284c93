#!/usr/bin/env node
/** `verify_bundle …` is `post-incident-proofs bundle verify …`. A file of its own, because Windows command shims hide the name they were called by. */
process.argv.splice(2, 0, 'bundle', 'verify');
await import('../main.ts');
