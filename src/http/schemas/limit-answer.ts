import { Type } from 'typebox';

const State = Type.Object({
  name: Type.String(),
  limit: Type.Integer({ description: 'Units of cost admitted in any window, for this client.' }),
  windowSeconds: Type.Number(),
  remaining: Type.Integer({ description: 'Units that would still be admitted at once.' }),
  resetSeconds: Type.Number({ description: 'Until more remain than now; 0 for an empty window.' }),
  isAdmitted: Type.Boolean(),
  isDryRun: Type.Boolean(),
  retryAfterSeconds: Type.Union([Type.Number(), Type.Null()], { description: 'Exact; null when no wait would help.' }),
});

export const DecisionAnswer = Type.Object({
  outcome: Type.Unsafe({ type: 'string', enum: ['allowed', 'denied', 'exempt', 'full', 'reduced'] }),
  limits: Type.Array(State),
});

const Limit = Type.Object({
  name: Type.String(),
  key: Type.String(),
  limit: Type.Integer(),
  windowSeconds: Type.Number(),
  overrides: Type.Record(Type.String(), Type.Integer()),
  onStoreFailure: Type.String(),
  dryRun: Type.Boolean(),
});

export const LimitsAnswer = Type.Object({
  generation: Type.String({ description: 'Another file is another generation.' }),
  limits: Type.Array(Limit),
  trustedProxies: Type.Array(Type.String()),
  allow: Type.Array(Type.String()),
  ipv6Prefix: Type.Integer(),
  missingTenant: Type.String(),
});

export const CheckFields = Type.Object({
  ip: Type.Optional(Type.String({ description: 'Address of the client; needed where a limit counts addresses.' })),
  tenant: Type.Optional(Type.String()),
  cost: Type.Optional(Type.Union([Type.Integer({ minimum: 1 }), Type.String()], { description: 'Units; 1 unless given.' })),
  limit: Type.Optional(Type.String({ description: 'Only this limit; all of them unless given.' })),
});
