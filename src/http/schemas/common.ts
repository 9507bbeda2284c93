import { Type } from 'typebox';

/** Described once: registered by describeApi, and referred to by every answer. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    advice: Type.String(),
    instance: Type.String(),
    faults: Type.Optional(Type.Array(Type.Object({ line: Type.Optional(Type.Integer()), field: Type.String(), reason: Type.String() }))),
    faultsTotal: Type.Optional(Type.Integer()),
    current: Type.Optional(
      Type.Object({ version: Type.Integer(), sha256: Type.String(), etag: Type.String() }, { description: 'The head of the artifact.' }),
    ),
  },
  { $id: 'Problem', title: 'Problem', description: 'RFC 9457 problem details.' },
);

/** Documents an error answer; problems are sent ready-made, so nothing is serialised by this schema. */
export function problemResponse(description: string): Record<string, unknown> {
  return { description, content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } } };
}

/** Documents an answer that is sent as ready-made bytes. */
export function rawResponse(description: string, mediaType: string): Record<string, unknown> {
  return { description, content: { [mediaType]: { schema: Type.String() } } };
}
