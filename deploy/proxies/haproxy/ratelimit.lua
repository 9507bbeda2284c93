-- Asks the sidecar about a request: http-request lua.ratelimit
-- Reads txn.ratelimit_tenant and txn.ratelimit_cost where they are set. Sets txn.ratelimit_status (200, 400, 429, 503, or "down"), txn.ratelimit_policy, txn.ratelimit_state, txn.ratelimit_retry and
-- txn.ratelimit_body. Where the sidecar listens is RATELIMIT_SIDECAR (host:port) in HAProxy's environment.

local sidecar = os.getenv("RATELIMIT_SIDECAR") or "127.0.0.1:8080"
local TIMEOUT_MS = 1000

local function first(headers, name)
  return headers and headers[name] and headers[name][0]
end

core.register_action("ratelimit", { "http-req" }, function(txn)
  -- None of these comes from a header of the client: they are HAProxy's own.
  local headers = {
    ["x-forwarded-for"] = { txn.f:src() },
    ["x-ratelimit-request-id"] = { txn.f:unique_id() },
  }
  local tenant, cost = txn:get_var("txn.ratelimit_tenant"), txn:get_var("txn.ratelimit_cost")
  if tenant then
    headers["x-tenant-id"] = { tenant }
  end
  if cost then
    headers["x-ratelimit-cost"] = { tostring(cost) }
  end
  local client = core.httpclient()
  local answer = client:get({ url = "http://" .. sidecar .. "/ratelimit/check/haproxy", headers = headers, timeout = TIMEOUT_MS })

  -- An answer of the sidecar has RateLimit headers, or is a problem of its own; anything else is HAProxy's word for "no answer".
  local kind = answer and first(answer.headers, "content-type")
  local is_answered = answer and (answer.status == 200 or (kind and kind:find("application/problem+json", 1, true)))
  if not is_answered then
    txn:set_var("txn.ratelimit_status", "down")
    return
  end
  txn:set_var("txn.ratelimit_status", tostring(answer.status))
  txn:set_var("txn.ratelimit_policy", first(answer.headers, "ratelimit-policy") or "")
  txn:set_var("txn.ratelimit_state", first(answer.headers, "ratelimit") or "")
  txn:set_var("txn.ratelimit_retry", first(answer.headers, "retry-after") or "")
  txn:set_var("txn.ratelimit_body", answer.body or "")
end)
