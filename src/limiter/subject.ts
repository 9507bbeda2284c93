import { addressKey, parseAddress } from './address.ts';
import { findClient, type Origin } from './client-address.ts';
import type { Limits, Subject } from './limits.ts';
import { tenantKey } from './tenant.ts';

/** What a request says of itself. */
export interface Claims extends Origin {
  /** X-Tenant-Id. */
  readonly tenant: string | undefined;
}

/** Whom a proxy asks about. Only a trusted one is believed in anything but the address of its connection. Throws AddressError, TenantError. */
export function subjectOfProxy({ peer, forwardedFor, tenant }: Claims, limits: Limits): Subject & { readonly isVouched: boolean } {
  const { address, isVouched } = findClient({ peer, forwardedFor }, limits.proxies);
  const name = isVouched && tenant !== undefined ? tenantKey(tenant) : limits.missingTenant;
  return { address, ip: addressKey(address, limits.ipv6Bits), tenant: name, isVouched };
}

/** Whom an app names itself. Throws AddressError, TenantError. */
export function subjectNamed(ip: string, tenant: string | undefined, limits: Limits): Subject {
  const address = parseAddress(ip);
  return { address, ip: addressKey(address, limits.ipv6Bits), tenant: tenant === undefined ? limits.missingTenant : tenantKey(tenant) };
}
