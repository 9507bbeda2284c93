import { isInside, type Address, type Cidr } from './address.ts';
import type { Claim, OnStoreFailure } from './limit-store.ts';

/** A pattern for names of tenants, or a network; `weight` says how precise it is. */
export interface Override {
  readonly pattern: string;
  readonly limit: number;
  readonly weight: number;
  readonly matches: (subject: string, address: Address) => boolean;
}

export interface Limit {
  readonly name: string;
  readonly key: 'ip' | 'tenant';
  readonly limit: number;
  readonly windowUs: number;
  /** Whole names. */
  readonly exact: ReadonlyMap<string, number>;
  /** The most precise first. */
  readonly patterns: readonly Override[];
  readonly onStoreFailure: OnStoreFailure;
  readonly isDryRun: boolean;
}

/** All limits that hold at a time. */
export interface Limits {
  readonly limits: readonly Limit[];
  readonly proxies: readonly Cidr[];
  readonly allowed: readonly Cidr[];
  readonly ipv6Bits: number;
  readonly missingTenant: string;
  /** SHA-256 of the file in hex: another one is another generation. */
  readonly generation: string;
}

/** Whom a check is about. */
export interface Subject {
  readonly address: Address;
  /** `address` as it is counted. */
  readonly ip: string;
  readonly tenant: string;
}

/** The limit in force for a subject. */
export function limitOf(limit: Limit, { address, ip, tenant }: Subject): number {
  const subject = limit.key === 'ip' ? ip : tenant;
  const exact = limit.exact.get(subject);
  if (exact !== undefined) return exact;
  return limit.patterns.find(({ matches }) => matches(subject, address))?.limit ?? limit.limit;
}

export function claimOf(limit: Limit, subject: Subject, cost: number): Claim {
  const key = limit.key === 'ip' ? subject.ip : subject.tenant;
  const rule = { limit: limitOf(limit, subject), windowUs: limit.windowUs };
  return { key: `${limit.name}:${key}`, rule, cost, onStoreFailure: limit.onStoreFailure, isDryRun: limit.isDryRun };
}

export function isAllowed(limits: Limits, address: Address): boolean {
  return isInside(address, limits.allowed);
}
