import { addressKey, parseAddress } from './address.ts';
import { findClient, type Origin } from './client-address.ts';
import type { Limits, Subject } from './limits.ts';
import { tenantKey } from './tenant.ts';

/** What a request says of itself. */
export interface Claims extends Origin {
  /** X-Tenant-Id. */
  readonly tenant: string | undefined;
}

/** Whom a proxy asks about, and whether it is one that is believed in more than the address of its connection. */
export interface ProxySubject extends Subject {
  readonly isVouched: boolean;
}

/** Whom a proxy asks about. Only a trusted one is believed in anything but the address of its connection. Throws AddressError, TenantError. */
function subjectOfProxy({ peer, forwardedFor, tenant }: Claims, limits: Limits): ProxySubject {
  const { address, isVouched } = findClient({ peer, forwardedFor }, limits.proxies);
  const name = isVouched && tenant !== undefined ? tenantKey(tenant) : limits.missingTenant;
  return { address, ip: addressKey(address, limits.ipv6Bits), tenant: name, isVouched };
}

/** Subjects that are remembered; about a kilobyte each with what the limiter keeps of them. */
const SUBJECTS_MAX = 20_000;

/** Longer headers are read anew each time: what stands left in X-Forwarded-For may be the client's, and must not fill our memory. */
const REMEMBERED_CHARS_MAX = 256;

/** Reading addresses costs more than a decision, and the same clients ask again: what their headers meant is remembered. */
export class ProxySubjects {
  #known = new Map<string, ProxySubject>();
  #generation = '';

  /** Headers that are remembered. */
  get count(): number {
    return this.#known.size;
  }

  /** As subjectOfProxy. */
  of(claims: Claims, limits: Limits): ProxySubject {
    if (limits.generation !== this.#generation || this.#known.size >= SUBJECTS_MAX) {
      this.#known = new Map();
      this.#generation = limits.generation;
    }
    // A header holds no line break, and one that is missing is not one that is empty.
    const text = `${claims.peer}\n${claims.forwardedFor ?? '\n'}\n${claims.tenant ?? '\n'}`;
    let subject = this.#known.get(text);
    if (subject === undefined) {
      subject = subjectOfProxy(claims, limits);
      if (text.length <= REMEMBERED_CHARS_MAX) this.#known.set(text, subject);
    }
    return subject;
  }
}

/** Whom an app names itself. Throws AddressError, TenantError. */
export function subjectNamed(ip: string, tenant: string | undefined, limits: Limits): Subject {
  const address = parseAddress(ip);
  return { address, ip: addressKey(address, limits.ipv6Bits), tenant: tenant === undefined ? limits.missingTenant : tenantKey(tenant) };
}
