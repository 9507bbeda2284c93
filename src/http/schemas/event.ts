import { Type } from 'typebox';

/** For readers of openapi.yaml; what is checked, and how, stands in docs/events.md. */
const Event = Type.Object(
  {
    message: Type.Optional(Type.String({ description: 'What happened; `msg` of pino lines.' })),
    level: Type.Optional(
      Type.Union([
        Type.String({ description: 'trace, debug, info, warn, error, fatal, or another name of docs/events.md.' }),
        Type.Integer({ description: '10 to 60, as pino writes it.' }),
      ]),
    ),
    time: Type.Optional(
      Type.Union([Type.String(), Type.Number()], { description: "The producer's time: RFC 3339, or milliseconds since 1970." }),
    ),
    tenant: Type.Optional(Type.String()),
    source: Type.Optional(Type.String()),
    actor: Type.Optional(Type.String()),
    traceId: Type.Optional(Type.String()),
    spanId: Type.Optional(Type.String()),
    attributes: Type.Optional(Type.Object({}, { additionalProperties: true })),
  },
  { title: 'Event', additionalProperties: true, description: 'Other fields become attributes. docs/events.md has the rules.' },
);

/** Body of POST /events, for the description only: it is read by src/ingest. */
export const EVENTS_BODY = {
  content: {
    'application/json': { schema: Type.Union([Event, Type.Array(Event)]) },
    'application/x-ndjson': { schema: Type.String({ description: 'One event a line, lines end in LF.' }) },
  },
};
