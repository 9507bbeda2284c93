import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { Type } from 'typebox';
import { Problem, problemResponse } from './schemas/common.ts';

/** /openapi.json and /docs, from the schemas of the routes that are registered after this. */
export async function describeApi(app: FastifyInstance, version: string): Promise<void> {
  app.addSchema(Problem);
  app.addHook('onRoute', ({ schema }) => {
    if (schema === undefined || schema.hide === true) return;
    schema.response = {
      ...(schema.response as object | undefined),
      default: problemResponse('Anything else that goes wrong, see docs/errors.md'),
    };
  });
  await app.register(fastifySwagger, {
    transform: ({ schema, url }) => ({ schema: addBody(url.endsWith('*') ? namePath(schema) : schema), url: url.replace(/\*$/, ':path') }),
    refResolver: { buildLocalReference: ({ $id }, _baseUri, _fragment, i) => (typeof $id === 'string' ? $id : `def-${i}`) },
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'post-incident-proofs',
        version,
        description: 'A flight recorder for services: tamper-evident events, evidence bundles.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: 'http://127.0.0.1:8080' }],
      tags: [
        { name: 'ledger', description: 'Events, checkpoints and proofs' },
        { name: 'bundles', description: 'Evidence for strangers' },
        { name: 'limits', description: 'Rate limits' },
        { name: 'versions', description: 'Artifacts whose every change can be taken back' },
        { name: 'operations', description: 'Probes and metrics' },
      ],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }, {}],
    },
  });
  await app.register(fastifySwaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

/** OpenAPI has no wildcard: the rest of the path is one parameter there. */
function namePath(schema: FastifySchema): FastifySchema {
  return { ...schema, params: Type.Object({ path: Type.String({ description: 'The rest of the path, with its slashes.' }) }) };
}

/** Bodies are read and checked by their room, not by the framework; their shape is only for readers. */
function addBody(schema: FastifySchema & { readonly documentedBody?: unknown }): FastifySchema {
  return schema.documentedBody === undefined ? schema : { ...schema, body: schema.documentedBody };
}
