import { AddressError } from './address.ts';
import type { CheckRequest } from './limiter.ts';
import type { Limits } from './limits.ts';
import { subjectNamed } from './subject.ts';
import { TenantError } from './tenant.ts';

export const COST_MAX = 1_000_000;

const FIELDS: ReadonlySet<string> = new Set(['ip', 'tenant', 'cost', 'limit']);
/** Stands for "no address": asked only where no limit counts addresses. */
const NO_ADDRESS = '::';

export interface CheckFault {
  readonly field: string;
  readonly reason: string;
}

/** A check as an app asks it, `{ip, tenant, cost, limit}`; every fault is added to `faults`, and the answer is then undefined. */
export function readAppCheck(given: unknown, place: string, limits: Limits, faults: CheckFault[]): CheckRequest | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    faults.push({ field: place, reason: 'is no object with ip, tenant, cost and limit' });
    return undefined;
  }
  const before = faults.length;
  const fields = given as Readonly<Record<string, unknown>>;
  const at = (name: string): string => (place === '' ? name : `${place}.${name}`);
  for (const name of Object.keys(fields))
    if (!FIELDS.has(name)) faults.push({ field: at(name.slice(0, 64)), reason: 'is none of ip, tenant, cost, limit' });
  const text = (name: string): string | undefined => {
    const value = fields[name];
    if (value === undefined || typeof value === 'string') return value;
    faults.push({ field: at(name), reason: 'is no text' });
    return undefined;
  };
  const [ip, tenant, only] = [text('ip'), text('tenant'), text('limit')];
  const cost = readCost(fields['cost'], at('cost'), faults);
  const used = limits.limits.filter(({ name }) => only === undefined || name === only);
  if (used.length === 0)
    faults.push({ field: at('limit'), reason: `"${only?.slice(0, 64)}" is none of ${limits.limits.map(({ name }) => name).join(', ')}` });
  if (ip === undefined && fields['ip'] === undefined && used.some(({ key }) => key === 'ip'))
    faults.push({ field: at('ip'), reason: 'is missing: a limit counts addresses' });
  try {
    const subject = subjectNamed(ip ?? NO_ADDRESS, tenant, limits);
    return faults.length === before ? { subject, cost, only } : undefined;
  } catch (error) {
    if (error instanceof AddressError) faults.push({ field: at('ip'), reason: error.message });
    else if (error instanceof TenantError) faults.push({ field: at('tenant'), reason: error.message });
    else throw error;
    return undefined;
  }
}

/** A number in JSON, digits in a query. */
function readCost(value: unknown, field: string, faults: CheckFault[]): number {
  if (value === undefined) return 1;
  const cost = typeof value === 'string' && /^\d{1,7}$/.test(value) ? Number(value) : value;
  if (typeof cost === 'number' && Number.isInteger(cost) && cost >= 1 && cost <= COST_MAX) return cost;
  faults.push({ field, reason: `is no whole number from 1 to ${COST_MAX}` });
  return 1;
}
