import { expect, test } from 'vitest';
import { parseLimits } from '../../src/limiter/limits-file.ts';
import { ProxySubjects } from '../../src/limiter/subject.ts';

const limitsOf = (extra: string) =>
  parseLimits(`trustedProxies: [10.0.0.0/8]\n${extra}limits: [{ name: ip, key: ip, limit: 3, window: 1s }]\n`);
const limits = limitsOf('');
const claims = (forwardedFor: string | undefined, tenant?: string) => ({ peer: '10.0.0.1', forwardedFor, tenant });

test('the same headers mean the same subject, and others never do', () => {
  const subjects = new ProxySubjects();
  const one = subjects.of(claims('1.2.3.4', 'acme'), limits);
  expect(subjects.of(claims('1.2.3.4', 'acme'), limits)).toBe(one);
  expect(subjects.of(claims('1.2.3.4'), limits).tenant).toBe('-');
  expect(subjects.of(claims('1.2.3.5', 'acme'), limits).ip).toBe('1.2.3.5');
  expect(subjects.of({ ...claims('1.2.3.4', 'acme'), peer: '8.8.8.8' }, limits)).toMatchObject({ ip: '8.8.8.8', isVouched: false });
  // An empty header is not a missing one: it is an error of the proxy.
  expect(() => subjects.of(claims(''), limits)).toThrow('no IP address');
  expect(() => subjects.of(claims(undefined), limits)).toThrow('no X-Forwarded-For');
});

test('other limits read everything anew', () => {
  const subjects = new ProxySubjects();
  expect(subjects.of(claims('1.2.3.4'), limits).tenant).toBe('-');
  expect(subjects.of(claims('1.2.3.4'), limitsOf('missingTenant: nobody\n')).tenant).toBe('nobody');
});

test('neither many headers nor long ones fill the memory', () => {
  const subjects = new ProxySubjects();
  subjects.of(claims(`${'9.9.9.9, '.repeat(100)}1.2.3.4`), limits);
  expect(subjects.count).toBe(0);
  for (let i = 0; i < 50_000; i++) subjects.of(claims(`1.2.${i >> 8}.${i & 255}`), limits);
  expect(subjects.count).toBeLessThanOrEqual(20_000);
});
