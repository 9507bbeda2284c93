#!/usr/bin/env node
/** `log_verifier …` is `post-incident-proofs log verify …`. A file of its own, because Windows command shims hide the name they were called by. */
process.argv.splice(2, 0, 'log', 'verify');
await import('../main.ts');
