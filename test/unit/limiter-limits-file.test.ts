import { describe, expect, test } from 'vitest';
import { addressKey, parseAddress } from '../../src/limiter/address.ts';
import { claimOf, isAllowed, limitOf, type Subject } from '../../src/limiter/limits.ts';
import { LimitsError, parseLimits } from '../../src/limiter/limits-file.ts';

const FILE = `
trustedProxies: [127.0.0.0/8, "::1"]
allow: [10.1.0.0/16]
limits:
  - name: ip
    key: ip
    limit: 50
    window: 60s
    overrides: { 192.0.2.7: 500, 203.0.113.0/24: 0, 203.0.113.128/25: 5, "2001:db8:1:2::/64": 7, "2001:db8:9::1": 9 }
  - name: tenant
    key: tenant
    limit: 1000
    window: 1m
    overrides: { acme: 5000, "free-*": 100, "free-big-*": 300, "*-test": 1, "a*b*c": 2 }
    dryRun: true
    onStoreFailure: closed
`;

function subject(ip: string, tenant = '-'): Subject {
  const address = parseAddress(ip);
  return { address, ip: addressKey(address, 64), tenant };
}

/** What is wrong with a file. */
function faultsOf(text: string): readonly string[] {
  try {
    parseLimits(text);
    return [];
  } catch (error) {
    if (error instanceof LimitsError) return error.faults;
    throw error;
  }
}

const one = (lines: string): string => `limits:\n  - { name: ip, key: ip, limit: 1, window: 1s }\n${lines}`;

describe('a limits file', () => {
  const limits = parseLimits(FILE);
  const [ip, tenant] = limits.limits;

  test.each([
    ['1.2.3.4', 50],
    ['192.0.2.7', 500],
    ['203.0.113.5', 0],
    ['203.0.113.200', 5],
    ['2001:db8:1:2::55', 7],
    // A single IPv6 address is the household that it belongs to.
    ['2001:db8:9::77', 9],
    ['2001:db8:1:3::1', 50],
  ])('limits %s to %i', (address, expected) => {
    expect(limitOf(ip, subject(address))).toBe(expected);
  });

  test.each([
    ['-', 1000],
    ['acme', 5000],
    ['acme2', 1000],
    ['free-x', 100],
    ['free-big-x', 300],
    ['free-', 100],
    ['load-test', 1],
    ['abc', 2],
    ['aXbXc', 2],
    ['ac', 1000],
    ['a*b*c', 2],
  ])('limits tenant %s to %i', (name, expected) => {
    expect(limitOf(tenant, subject('1.2.3.4', name))).toBe(expected);
  });

  test('says the rest as it stands there', () => {
    expect(ip).toMatchObject({ windowUs: 60_000_000, isDryRun: false, onStoreFailure: 'local' });
    expect(tenant).toMatchObject({ windowUs: 60_000_000, isDryRun: true, onStoreFailure: 'closed' });
    expect(isAllowed(limits, parseAddress('10.1.2.3'))).toBe(true);
    expect(isAllowed(limits, parseAddress('10.2.2.3'))).toBe(false);
    expect(limits.missingTenant).toBe('-');
    expect(claimOf(tenant, subject('1.2.3.4', 'acme'), 3)).toEqual({
      key: 'tenant:acme',
      rule: { limit: 5000, windowUs: 60_000_000 },
      cost: 3,
      onStoreFailure: 'closed',
      isDryRun: true,
    });
  });

  test('may be JSON, and is another generation when anything in it changes', () => {
    const json = '{"limits":[{"name":"a","key":"ip","limit":1,"window":"500ms"}]}';
    expect(parseLimits(json).limits[0].windowUs).toBe(500_000);
    expect(parseLimits(json).generation).not.toBe(parseLimits(json.replace(':1', ':2')).generation);
  });

  test.each([
    ['', ['the file: must be object']],
    ['limits: []', ['limits: must not have fewer than 1 items']],
    ['limits: [', expect.arrayContaining([expect.stringMatching(/Flow sequence/)])],
    ['a: &a [1]\nb: *a', [expect.stringMatching(/alias/i)]],
    [one('extra: 1'), ['the file: must not have additional properties (extra)']],
    [
      one('trustedProxies: [10.0.0.0/99, nonsense]'),
      [expect.stringMatching(/^trustedProxies\[0\]: /), expect.stringMatching(/^trustedProxies\[1\]: /)],
    ],
    [one('  - { name: ip, key: ip, limit: 1, window: 1s }'), ['limits: two are named "ip"']],
    [one('  - { name: t, key: tenant, limit: 1, window: 25h }'), ['limits[1].window: "25h" is longer than 24h']],
    [
      one('ipv6Prefix: 56\nallow: ["::/0"]\n').replace('limit: 1', 'limit: 1, overrides: {"2001:db8::/60": 2}'),
      [expect.stringMatching(/smaller than what counts as one client/)],
    ],
  ])('refuses %j', (text, expected) => {
    expect(faultsOf(text)).toEqual(expected);
  });

  test('lists every fault with its place', () => {
    const text = `limits:\n  - { name: IP, key: country, limit: -1, window: 60 }\n  - { name: b, limit: 1.5, window: 1s, key: ip, cost: 2 }`;
    const faults = faultsOf(text).join('\n');
    for (const place of ['limits[0].name', 'limits[0].key', 'limits[0].limit', 'limits[0].window', 'limits[1].limit', 'limits[1]: '])
      expect(faults).toContain(place);
    expect(faults).toContain('(ip, tenant)');
    expect(faults).toContain('(cost)');
  });
});
