import ipaddr from 'ipaddr.js';
import { CodedError } from '../kernel/errors.ts';

/** Longer texts are no address: IPv6 with a zone, brackets and a port stays below. */
const ADDRESS_CHARS_MAX = 120;
/** An address and its port: `1.2.3.4:80`, `[2001:db8::1]:80`; a bracket without a port is meant too. */
const WITH_PORT = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}|\[([^[\]]+)\](?::\d{1,5})?)$/;
/** RFC 6052 section 2.1: the IPv4 address stands in the last 32 bits. */
const NAT64 = ipaddr.IPv6.parse('64:ff9b::');
const NAT64_BITS = 96;

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A network, as `10.0.0.0/8` says it. */
export interface Cidr {
  readonly address: Address;
  readonly bits: number;
}

export type AddressErrorCode = 'bad-address' | 'bad-network';

export class AddressError extends CodedError<AddressErrorCode> {}

/**
 * The client that a text names, ports and zones aside; IPv4 addresses that came as IPv6 (mapped, or through NAT64) are IPv4 addresses, so
 * that nobody has two identities. Throws AddressError.
 */
export function parseAddress(text: string): Address {
  const trimmed = text.trim();
  const match = trimmed.length > ADDRESS_CHARS_MAX ? null : WITH_PORT.exec(trimmed);
  const bare = (match?.[1] ?? match?.[2] ?? trimmed).replace(/%[\w.-]+$/, '');
  // Only the four-part decimal spelling: 010.1.1.1 and 0x7f.1 mean different things to different programs.
  const isFour = ipaddr.IPv4.isValidFourPartDecimal(bare);
  if (trimmed.length > ADDRESS_CHARS_MAX || (!isFour && !ipaddr.IPv6.isValid(bare)))
    throw new AddressError('bad-address', `"${trimmed.slice(0, ADDRESS_CHARS_MAX)}" is no IP address`);
  return isFour ? ipaddr.IPv4.parse(bare) : unwrap(ipaddr.IPv6.parse(bare));
}

function unwrap(address: ipaddr.IPv6): Address {
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  return address.match(NAT64, NAT64_BITS) ? new ipaddr.IPv4(address.toByteArray().slice(-4)) : address;
}

/** `10.0.0.0/8`, or a single address. Throws AddressError. */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf('/');
  const [address, bits] = slash === -1 ? [text, undefined] : [text.slice(0, slash), text.slice(slash + 1)];
  try {
    const parsed = parseAddress(address);
    const widest = parsed.kind() === 'ipv4' ? 32 : 128;
    if (bits === undefined) return { address: parsed, bits: widest };
    if (/^\d{1,3}$/.test(bits) && Number(bits) <= widest) return { address: parsed, bits: Number(bits) };
  } catch (error) {
    throw new AddressError('bad-network', `"${text.slice(0, ADDRESS_CHARS_MAX)}" is no network like 10.0.0.0/8`, { cause: error });
  }
  throw new AddressError('bad-network', `"${text.slice(0, ADDRESS_CHARS_MAX)}" has no prefix length that its kind of address could have`);
}

export function isInside(address: Address, networks: readonly Cidr[]): boolean {
  return networks.some((network) => network.address.kind() === address.kind() && address.match(network.address, network.bits));
}

/** The name under which an address is counted. Of an IPv6 address only the network counts: a household has all the rest of it. */
export function addressKey(address: Address, ipv6Bits: number): string {
  if (address.kind() === 'ipv4') return address.toString();
  const bytes = address.toByteArray();
  for (let bit = ipv6Bits; bit < bytes.length * 8; bit++) bytes[bit >> 3] &= ~(0x80 >> (bit & 7));
  return `${new ipaddr.IPv6(bytes).toString()}/${ipv6Bits}`;
}
