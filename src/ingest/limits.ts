import { PAYLOAD_BYTES_MAX } from '../kernel/leaf.ts';

/**
 * Events of one request. One request is one run of leaves that recovery keeps whole, so it also bounds what a crash can cut off; and
 * the distinct tenants of a request, as every event names at most one: far below what a Uint16 index holds.
 */
export const EVENTS_MAX = 10_000;

/** Objects and arrays inside each other, the event itself counted. Keeps every reader that recurses far from its stack's end. */
export const DEPTH_MAX = 32;

/**
 * Values (objects, arrays and scalars) of one event. The smallest element costs two bytes of payload, so an event with more
 * cannot fit; refusing it here keeps the working memory fixed whatever the body holds.
 */
export const VALUES_MAX = Math.ceil(PAYLOAD_BYTES_MAX / 2) + 1;

/** Names are index and label material: generous for a person or a URI, useless for smuggling text. In Unicode characters. */
export const TENANT_CHARS_MAX = 128;
export const SOURCE_CHARS_MAX = 256;
export const ACTOR_CHARS_MAX = 256;
/** W3C trace ids have 32 and 16 digits; other tracers use UUIDs and short strings. */
export const TRACE_ID_CHARS_MAX = 128;
export const SPAN_ID_CHARS_MAX = 128;

/** Faults listed in an answer: one for each line of the largest request. The rest are only counted. */
export const FAULTS_MAX = 10_000;
/** Characters of a producer's own text that a fault repeats. */
export const QUOTED_CHARS_MAX = 64;
/** Characters of a fault's path, so that deeply nested long keys cannot blow up an answer. */
export const PATH_CHARS_MAX = 256;
