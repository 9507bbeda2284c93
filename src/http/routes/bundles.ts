import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { assembleBundle } from '../../bundle/assemble.ts';
import { parseWindow } from '../../bundle/window.ts';
import type { Ledger } from '../../ledger/ports.ts';
import type { Observer } from '../../observe/observer.ts';
import { problemResponse } from '../schemas/common.ts';

interface BundleQuery {
  window?: string;
  from?: string;
  to?: string;
}

const Query = Type.Object(
  {
    window: Type.Optional(Type.String({ maxLength: 128, description: 'The time up to now, "24h" or "90m"; or "RFC 3339 to RFC 3339".' })),
    from: Type.Optional(Type.String({ maxLength: 64, description: 'RFC 3339; received at or after.' })),
    to: Type.Optional(Type.String({ maxLength: 64, description: 'RFC 3339; received before. Not in the future.' })),
  },
  { additionalProperties: false },
);

const schema = {
  operationId: 'buildBundle',
  tags: ['bundles'],
  summary: 'One ZIP with every entry of a window, verifiable offline',
  description: 'At most 5,000,000 bytes. The same closed window gives the same bytes. `Proofs-Window` names the window that was taken.',
  querystring: Query,
  response: {
    200: {
      description: 'The bundle (docs/formats/bundle.md)',
      content: { 'application/zip': { schema: Type.String({ format: 'binary' }) } },
    },
    400: problemResponse('The window cannot be read'),
    503: problemResponse('Too many bundles are being built; see Retry-After'),
    410: problemResponse('Retention removed entries of the window'),
    413: problemResponse('The window does not fit into 5,000,000 bytes'),
  },
};

export function registerBundles(app: FastifyInstance, ledger: Ledger, observer: Observer): void {
  app.get<{ Querystring: BundleQuery }>('/bundles', { schema }, async (request, reply) => {
    const window = parseWindow(request.query, Date.now());
    const bundle = await assembleBundle(ledger, window);
    observer.bundleBuilt(bundle.bytes.length, bundle.sha256, bundle.entries);
    return reply
      .type('application/zip')
      .header('content-disposition', `attachment; filename="${bundle.fileName}"`)
      .header('proofs-window', `${bundle.window.from}/${bundle.window.to}`)
      .header('repr-digest', `sha-256=:${Buffer.from(bundle.sha256, 'hex').toString('base64')}:`)
      .send(Buffer.from(bundle.bytes));
  });
}
