import { deflateRawSync } from 'node:zlib';
import { toBase64, utf8 } from '../../kernel/bytes.ts';
import { nodeHashes } from '../../kernel/node-hashes.ts';
import type { TimelineInput } from '../timeline-input.ts';
import { toEnvelope } from './envelope.ts';
import { APP_SCRIPT, APP_SKELETON, APP_STYLE } from './generated/app.ts';

/**
 * One self-contained page: no network, opens from file://, same bytes for the same input (on one Node version: zlib). The markup
 * is constant. All that comes from the log stands deflated and base64-coded in one inert block, so no log text is ever HTML.
 */
export function renderTimeline(input: TimelineInput): string {
  const packed = deflateRawSync(utf8(toEnvelope(input)), { level: 9 });
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="referrer" content="no-referrer">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<title>Incident timeline</title>',
    `<style>${APP_STYLE}</style>`,
    '</head>',
    '<body>',
    APP_SKELETON,
    `<script type="application/octet-stream" id="data">${packed.toString('base64')}</script>`,
    `<script>${APP_SCRIPT}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** Nothing may load; only this very script and style may run; markup can be made from no string at all (Trusted Types). */
const POLICY = [
  "default-src 'none'",
  `script-src ${hashSource(APP_SCRIPT)}`,
  `style-src ${hashSource(APP_STYLE)}`,
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

function hashSource(text: string): string {
  return `'sha256-${toBase64(nodeHashes.sha256(utf8(text)))}'`;
}
