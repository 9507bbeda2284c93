import { AddressError, isInside, parseAddress, type Address, type Cidr } from './address.ts';

/** Hops looked at. A longer chain of our own proxies is a loop. */
const HOPS_MAX = 32;

/** What a request says of where it comes from. */
export interface Origin {
  /** Of the connection. */
  readonly peer: string;
  /** All X-Forwarded-For headers, joined in their order; undefined when there was none. */
  readonly forwardedFor: string | undefined;
}

/** The client that the proxies vouch for, or the peer itself when it is none of them. `isVouched`: other identity headers count too. */
export interface Client {
  readonly address: Address;
  readonly isVouched: boolean;
}

/**
 * Walks from the connection towards the client, right to left, as long as the hop that said so is one of our proxies. What stands to the
 * left of the first stranger was written by him. Throws AddressError when a trusted hop says something that is no address, or nothing.
 */
export function findClient({ peer, forwardedFor }: Origin, proxies: readonly Cidr[]): Client {
  const connection = parseAddress(peer);
  if (!isInside(connection, proxies)) return { address: connection, isVouched: false };
  if (forwardedFor === undefined) throw new AddressError('bad-address', 'a trusted proxy sent no X-Forwarded-For');
  const hops = forwardedFor.split(',').slice(-HOPS_MAX);
  for (let i = hops.length - 1; i > 0; i--) {
    const hop = parseAddress(hops[i]);
    if (!isInside(hop, proxies)) return { address: hop, isVouched: true };
  }
  return { address: parseAddress(hops[0]), isVouched: true };
}
