import { assertInvariant } from '../kernel/errors.ts';

/** S3 allows 1024 bytes for key and prefix together. */
const KEY_CHARS_MAX = 512;
/** Letters, digits and what stands in file names everywhere; no part begins with a dot, so none is `.` or `..` or a hidden file. */
const KEY = /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/;

/** Keys are made by us: a bad one is our own mistake, and would be a path out of the archive. */
export function assertObjectKey(key: string): void {
  assertInvariant(key.length <= KEY_CHARS_MAX && KEY.test(key), `"${key.slice(0, 64)}" is an object key`);
}
