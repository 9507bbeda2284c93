import { createHash } from 'node:crypto';
import { CodedError } from '../kernel/errors.ts';

const NAME_BYTES_MAX = 128;
/** Far beyond any name: hashing is not free. */
const GIVEN_CHARS_MAX = 4096;

export class TenantError extends CodedError<'bad-tenant'> {}

/** The name under which a tenant is counted: his own, or its digest when it is long. Throws TenantError. */
export function tenantKey(name: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what it looks for
  if (name === '' || /[\u0000-\u001f\u007f]/.test(name) || !name.isWellFormed())
    throw new TenantError('bad-tenant', 'the name of a tenant is empty or holds control characters');
  if (name.length > GIVEN_CHARS_MAX)
    throw new TenantError('bad-tenant', `the name of a tenant has more than ${GIVEN_CHARS_MAX} characters`);
  return Buffer.byteLength(name) <= NAME_BYTES_MAX ? name : `sha256:${createHash('sha256').update(name).digest('hex')}`;
}
