import { describe, expect, test } from 'vitest';
import { AddressError, addressKey, isInside, parseAddress, parseCidr } from '../../src/limiter/address.ts';
import { findClient } from '../../src/limiter/client-address.ts';

const key = (text: string): string => addressKey(parseAddress(text), 64);

describe('an address', () => {
  test.each([
    ['1.2.3.4', '1.2.3.4'],
    [' 1.2.3.4 ', '1.2.3.4'],
    ['1.2.3.4:5678', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['[::ffff:102:304]:80', '1.2.3.4'],
    ['64:ff9b::1.2.3.4', '1.2.3.4'],
    ['64:ff9b::102:304', '1.2.3.4'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['[2001:DB8:1:2::9]:443', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['::1', '::/64'],
  ])('%s is counted as %s', (text, expected) => {
    expect(key(text)).toBe(expected);
  });

  test('of one household is one client, of the next another', () => {
    expect(key('2001:db8:1:2::1')).toBe(key('2001:db8:1:2:ffff:ffff:ffff:ffff'));
    expect(key('2001:db8:1:2::1')).not.toBe(key('2001:db8:1:3::1'));
    expect(addressKey(parseAddress('2001:db8:12ff::1'), 44)).toBe('2001:db8:12f0::/44');
    expect(addressKey(parseAddress('2001:db8::1'), 128)).toBe('2001:db8::1/128');
  });

  test.each([
    '',
    'unknown',
    '_hidden',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '010.1.1.1',
    '0x7f.1',
    '2130706433',
    '1.2.3.4:',
    '[1.2.3.4',
    ':::',
    'a'.repeat(1000),
    '1.2.3.4, 5.6.7.8',
  ])('"%s" is none', (text) => {
    expect(() => parseAddress(text)).toThrow(AddressError);
  });
});

describe('a network', () => {
  test.each([
    ['10.0.0.0/8', '10.9.9.9', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', '::ffff:10.1.1.1', true],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['2001:db8::/32', '2001:db8:9::1', true],
    ['2001:db8::/32', '10.0.0.1', false],
    ['0.0.0.0/0', '2001:db8::1', false],
  ])('%s and %s: %s', (network, address, expected) => {
    expect(isInside(parseAddress(address), [parseCidr(network)])).toBe(expected);
  });

  test.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/a', '10.0.0.0/8/8', 'x/8', '2001:db8::/129', ''])('"%s" is none', (text) => {
    expect(() => parseCidr(text)).toThrow(AddressError);
  });
});

describe('the client of a request', () => {
  const proxies = ['10.0.0.0/8', '127.0.0.1', '2001:db8:ffff::/48'].map(parseCidr);
  const client = (peer: string, forwardedFor?: string): string => {
    const { address, isVouched } = findClient({ peer, forwardedFor }, proxies);
    return `${address.toString()}${isVouched ? '' : ' alone'}`;
  };

  test.each([
    // Nobody vouches for a stranger: what he says of himself does not count.
    ['203.0.113.9', '1.2.3.4', '203.0.113.9 alone'],
    ['203.0.113.9', undefined, '203.0.113.9 alone'],
    ['127.0.0.1', '1.2.3.4', '1.2.3.4'],
    // The client wrote the left ones.
    ['127.0.0.1', '6.6.6.6, 1.2.3.4', '1.2.3.4'],
    ['127.0.0.1', '6.6.6.6, 1.2.3.4, 10.1.1.1', '1.2.3.4'],
    ['127.0.0.1', 'rubbish, 1.2.3.4, 10.1.1.1', '1.2.3.4'],
    ['127.0.0.1', '10.6.6.6, 1.2.3.4, 10.1.1.1,10.2.2.2', '1.2.3.4'],
    // All of them ours: the first is who asked.
    ['127.0.0.1', '10.3.3.3, 10.1.1.1', '10.3.3.3'],
    ['::ffff:127.0.0.1', '[2001:db8::1]:999, 2001:db8:ffff::2', '2001:db8::1'],
  ])('peer %s, forwarded for %s: %s', (peer, forwardedFor, expected) => {
    expect(client(peer, forwardedFor)).toBe(expected);
  });

  test.each([
    ['127.0.0.1', undefined],
    ['127.0.0.1', ''],
    ['127.0.0.1', '1.2.3.4, rubbish'],
    ['127.0.0.1', '1.2.3.4, rubbish, 10.1.1.1'],
    ['127.0.0.1', 'unknown'],
    ['', '1.2.3.4'],
  ])('peer %s, forwarded for %s: an error, and never somebody else', (peer, forwardedFor) => {
    expect(() => client(peer, forwardedFor)).toThrow(AddressError);
  });

  test('a header of thousands of hops is looked at only as far as a chain can go', () => {
    expect(client('127.0.0.1', `${'10.0.0.1,'.repeat(5000)}10.0.0.2`)).toBe('10.0.0.1');
  });
});
