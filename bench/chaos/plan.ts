import { Dice } from '../../test/support/dice.ts';

/** What a request of a run asks, and of whom. */
export interface PlannedRequest {
  readonly address: string;
  readonly tenant: string;
  readonly cost: number;
  readonly requestId: string | undefined;
  /** Nothing but the limit of its address can refuse it, so its client alone can judge the answer. */
  readonly isLone: boolean;
}

const IP_LIMIT = 20;
const COSTLY_LIMIT = 100;
const COST = 7;
/** A burst is two more than the limit. */
const BURST = IP_LIMIT + 2;
const TENANTS = 40;
const LONE_TENANT = 'lone';
/** More than any run asks for. */
const LONE_LIMIT = 1_000_000;
/** Load of the three groups of keys that are asked about evenly, as shares of their limit. */
const LOADS = [0.9, 1, 1.1];
/** A repetition comes this many requests of its kind after the first: within five seconds at any rate of a run. */
const REPEATED_AFTER = 3;

export interface Plan {
  /** The limits file. */
  readonly limits: string;
  readonly windowS: number;
  readonly limitOfTenant: (tenant: string) => number;
  readonly request: (index: number) => PlannedRequest;
}

/** The limit of an address, as the limits file has it. */
export function limitOfAddress(address: string): number {
  if (address.startsWith('10.1.')) return 1;
  return address.startsWith('10.2.') ? COSTLY_LIMIT : IP_LIMIT;
}

/**
 * Requests for a rate: keys at 0.9, 1 and 1.1 of their limit, bursts at the edges of windows, limits of one, costs above one, tenants whose
 * limit disagrees with that of their addresses, keys that come once, and repeated request ids. The same for the same seed.
 */
export function makePlan(ratePerS: number, windowS: number, seed: number): Plan {
  const dice = new Dice(seed, 0);
  const perWindow = ratePerS * windowS;
  /** Keys that share so much of the load evenly, each with this many requests in a window. */
  const keysFor = (share: number, each: number): number => Math.max(1, Math.round((perWindow * share) / each));
  const evenly = (network: string, share: number, each: number): (() => string) => {
    const groups = LOADS.map((load) => ({ network, count: keysFor(share / LOADS.length, each * load), next: 0 }));
    let turn = 0;
    return () => {
      const place = turn++ % groups.length;
      const group = groups[place];
      const key = group.next++ % group.count;
      return `${network}.${place * 64 + (key >> 8)}.${key & 255}`;
    };
  };
  const near = evenly('10.3', 0.5, IP_LIMIT);
  const lone = evenly('10.4', 0.1, IP_LIMIT);
  const single = evenly('10.1', 0.05, 1);
  const costly = evenly('10.2', 0.1, COSTLY_LIMIT / COST);
  const burstKeys = keysFor(0.1, BURST);
  const tenant = (): string => `team-${dice.below(TENANTS)}`;
  let [bursts, repeats] = [0, 0];
  const repeated: PlannedRequest[] = [];
  const plain = (address: string, more: Partial<PlannedRequest> = {}): PlannedRequest => ({
    address,
    tenant: tenant(),
    cost: 1,
    requestId: undefined,
    isLone: false,
    ...more,
  });
  const request = (index: number): PlannedRequest => {
    const kind = index % 20;
    if (kind < 10) return plain(near());
    if (kind < 12) return plain(lone(), { tenant: LONE_TENANT, isLone: true });
    if (kind < 14) {
      const key = Math.floor(bursts++ / BURST) % burstKeys;
      return plain(`10.5.${key >> 8}.${key & 255}`, { tenant: LONE_TENANT, isLone: true });
    }
    if (kind === 14) return plain(single(), { tenant: LONE_TENANT, isLone: true });
    if (kind < 17) return plain(costly(), { cost: COST });
    // Four million addresses, most of which come once.
    if (kind < 19) return plain(`100.${64 + dice.below(64)}.${dice.below(256)}.${dice.below(256)}`);
    const id = repeats++;
    if (id >= REPEATED_AFTER && id % 2 === 1) return repeated[id % REPEATED_AFTER];
    return (repeated[id % REPEATED_AFTER] = plain(near(), { requestId: `request-${id}` }));
  };
  // The tenants together are asked for a tenth more than they admit.
  const tenantLimit = Math.max(1, Math.round((perWindow * 0.75) / TENANTS / 1.1));
  const limits = `# made by npm run chaos
trustedProxies: [127.0.0.1]
limits:
  - { name: ip, key: ip, limit: ${IP_LIMIT}, window: ${windowS * 1000}ms, overrides: { 10.1.0.0/16: 1, 10.2.0.0/16: ${COSTLY_LIMIT} } }
  - { name: tenant, key: tenant, limit: ${tenantLimit}, window: ${windowS * 1000}ms, overrides: { ${LONE_TENANT}: ${LONE_LIMIT} } }
`;
  return { limits, windowS, limitOfTenant: (name) => (name === LONE_TENANT ? LONE_LIMIT : tenantLimit), request };
}

/** As a reverse proxy on this machine asks it. */
export function toHttp({ address, tenant, cost, requestId }: PlannedRequest, host: string): string {
  const optional = `${cost === 1 ? '' : `x-ratelimit-cost: ${cost}\r\n`}${requestId === undefined ? '' : `x-ratelimit-request-id: ${requestId}\r\n`}`;
  return `GET /ratelimit/check/chaos HTTP/1.1\r\nhost: ${host}\r\nx-forwarded-for: ${address}\r\nx-tenant-id: ${tenant}\r\n${optional}\r\n`;
}
