import { Type, type Static } from 'typebox';

/** Also labels of metrics and names in headers. */
const NAME = '^[a-z][a-z0-9_-]{0,31}$';
const WINDOW = '^[1-9][0-9]{0,8}(ms|s|m|h)$';
/** A stamp is 8 bytes: a key at this limit holds up to 16 MiB. */
const LIMIT_MAX = 1_000_000;
const LIMITS_MAX = 16;
const NETWORKS_MAX = 1000;

const oneOf = <const T extends readonly string[]>(values: T, description: string) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], description });

const Units = Type.Integer({ minimum: 0, maximum: LIMIT_MAX, description: 'Units of cost admitted in any window; 0 admits nothing.' });

const Limit = Type.Object(
  {
    name: Type.String({ pattern: NAME, description: 'Name in headers, metrics and the ledger.' }),
    key: oneOf(['ip', 'tenant'], 'What is counted apart: client addresses, or tenants.'),
    limit: Units,
    window: Type.String({ pattern: WINDOW, description: 'Length of the window, as 60s, 1m or 500ms; at most 24h.' }),
    overrides: Type.Optional(
      Type.Record(Type.String({ minLength: 1, maxLength: 256 }), Units, {
        description: 'Other limits for some keys: a tenant or a pattern with *, an address or a network. The most precise one holds.',
      }),
    ),
    onStoreFailure: Type.Optional(oneOf(['local', 'closed', 'open'], 'What holds while the shared store cannot be asked.')),
    dryRun: Type.Optional(Type.Boolean({ description: 'Decide, count and tell, but refuse nobody.' })),
  },
  { additionalProperties: false },
);

const Networks = (description: string) => Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: NETWORKS_MAX, description });

/** The limits file, as its YAML is read. */
export const LimitsSchema = Type.Object(
  {
    limits: Type.Array(Limit, { minItems: 1, maxItems: LIMITS_MAX }),
    trustedProxies: Type.Optional(Networks('Whose X-Forwarded-For and X-Tenant-Id count.')),
    allow: Type.Optional(Networks('Clients that no limit is applied to.')),
    ipv6Prefix: Type.Optional(
      Type.Integer({ minimum: 32, maximum: 128, description: 'Bits of an IPv6 address that make one client; 64 unless given.' }),
    ),
    missingTenant: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: 'The tenant of requests that name none; "-" unless given.' }),
    ),
  },
  { additionalProperties: false, $id: 'https://post-incident-proofs.example/limits.schema.json', title: 'Limits of post-incident-proofs' },
);

export type LimitsDocument = Static<typeof LimitsSchema>;
