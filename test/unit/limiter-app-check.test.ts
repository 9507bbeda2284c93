import { describe, expect, test } from 'vitest';
import { readAppCheck, type CheckFault } from '../../src/limiter/app-check.ts';
import { parseLimits } from '../../src/limiter/limits-file.ts';

const limits = parseLimits(
  'limits: [{name: ip, key: ip, limit: 5, window: 1m}, {name: tenant, key: tenant, limit: 9, window: 1m}]\nmissingTenant: nobody',
);

function faultsOf(given: unknown, place = ''): string[] {
  const faults: CheckFault[] = [];
  expect(readAppCheck(given, place, limits, faults)).toBeUndefined();
  return faults.map(({ field, reason }) => `${field} ${reason}`);
}

describe('what an app asks', () => {
  test.each([
    [{ ip: '1.2.3.4' }, { ip: '1.2.3.4', tenant: 'nobody' }, 1, undefined],
    [{ ip: '1.2.3.4', cost: '7', tenant: 'acme' }, { ip: '1.2.3.4', tenant: 'acme' }, 7, undefined],
    [{ ip: '2001:db8::1', cost: 2, limit: 'ip' }, { ip: '2001:db8::/64', tenant: 'nobody' }, 2, 'ip'],
    // A limit that counts tenants needs no address.
    [{ tenant: 'acme', limit: 'tenant' }, { tenant: 'acme' }, 1, 'tenant'],
  ])('%j is understood', (given, subject, cost, only) => {
    const faults: CheckFault[] = [];
    expect(readAppCheck(given, '', limits, faults)).toMatchObject({ subject, cost, ...(only === undefined ? {} : { only }) });
    expect(faults).toEqual([]);
  });

  test.each([
    [null, [' is no object with ip, tenant, cost and limit']],
    [[], [' is no object with ip, tenant, cost and limit']],
    [{}, ['ip is missing: a limit counts addresses']],
    [{ ip: 'localhost' }, ['ip "localhost" is no IP address']],
    [{ ip: '' }, ['ip "" is no IP address']],
    [{ ip: '1.2.3.4', cost: -1 }, ['cost is no whole number from 1 to 1000000']],
    [{ ip: '1.2.3.4', cost: 0 }, ['cost is no whole number from 1 to 1000000']],
    [{ ip: '1.2.3.4', cost: 1.5 }, ['cost is no whole number from 1 to 1000000']],
    [{ ip: '1.2.3.4', cost: '1e3' }, ['cost is no whole number from 1 to 1000000']],
    [{ ip: '1.2.3.4', cost: 1e9 }, ['cost is no whole number from 1 to 1000000']],
    [{ ip: '1.2.3.4', limit: 'other' }, ['limit "other" is none of ip, tenant']],
    [{ ip: '1.2.3.4', tenant: '' }, ['tenant the name of a tenant is empty or holds control characters']],
    [{ ip: '1.2.3.4', tenant: 'a\u0000b' }, ['tenant the name of a tenant is empty or holds control characters']],
    [{ ip: '1.2.3.4', tenant: 'x'.repeat(5000) }, ['tenant the name of a tenant has more than 4096 characters']],
    [
      { ip: 7, extra: 1, cost: 'x' },
      ['extra is none of ip, tenant, cost, limit', 'ip is no text', 'cost is no whole number from 1 to 1000000'],
    ],
  ])('%j is refused with everything that is wrong', (given, expected) => {
    expect(faultsOf(given)).toEqual(expected);
  });

  test('faults name their place in a batch', () => {
    expect(faultsOf({ cost: 0, ip: 'x' }, '[3]')).toEqual(['[3].cost is no whole number from 1 to 1000000', '[3].ip "x" is no IP address']);
  });

  test('a long name is counted by its digest', () => {
    const check = (tenant: string): string | undefined => readAppCheck({ tenant, limit: 'tenant' }, '', limits, [])?.subject.tenant;
    expect(check('ä'.repeat(64))).toBe('ä'.repeat(64));
    expect(check('ä'.repeat(65))).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(check('ä'.repeat(65))).not.toBe(check('ä'.repeat(66)));
  });
});
