import Spec
import Proofs

/-!
# What the product claims, and what holds each claim up

Exported to grafana/specs/, one file for each claim; dashboards and alerts are made from those.
-/

namespace Claims

def ledgerTamperEvidence : Claim where
  id := "ledger-tamper-evidence"
  sentence := "Any change to a ledger is found against a checkpoint of it, unless two messages with one tag are at hand."
  theorems := [thm% Ledger.verify_iff_built, thm% Ledger.tamper_yields_collision, thm% Ledger.change_detected,
    thm% Ledger.truncation_detected, thm% Ledger.reorder_detected, thm% Ledger.prefix_or_forgery,
    thm% Ledger.Framing.scheme_framed]
  metric := "proofs_ledger_tampered"
  threshold := 0
  window := "5m"
  implementation := ["src/kernel/chain.ts", "src/kernel/leaf.ts"]
  assumptions := ["nobody finds two messages with one HMAC-SHA-256 tag",
    "the checkpoint is kept where the attacker cannot write"]

def ledgerCounters : Claim where
  id := "ledger-no-gap"
  sentence := "Entries of a ledger that verifies are numbered 0, 1, 2, and so on, without a gap or a repeat."
  theorems := [thm% Ledger.append_verifies, thm% Ledger.counters_consecutive, thm% Ledger.counters_nodup]
  metric := "proofs_ledger_tampered"
  threshold := 0
  window := "5m"
  implementation := ["src/kernel/chain.ts", "src/kernel/leaf.ts"]
  assumptions := []

def merkleInclusion : Claim where
  id := "merkle-inclusion"
  sentence := "An inclusion proof that verifies is for the real entry, unless a hash collision is at hand."
  theorems := [thm% Merkle.verify_complete, thm% Merkle.verify_sound]
  metric := "proofs_ledger_tampered"
  threshold := 0
  window := "5m"
  implementation := ["src/kernel/merkle.ts"]
  assumptions := ["nobody finds a collision of SHA-256"]

def limiterExact : Claim where
  id := "limiter-exact-window"
  sentence := "No window holds more admissions than its limit, and a request is denied only if its window has no room for it."
  theorems := [thm% Window.cost_safe, thm% Window.cost_denial, thm% Window.window_ts_refines, thm% Window.embedded_refines,
    thm% Window.store_safe, thm% Window.check_denied, thm% Window.greedy_optimal, thm% Limiter.ring_refines_spec]
  metric := "proofs_ratelimit_degraded_total"
  threshold := 0
  window := "5m"
  implementation := ["src/limiter/window.ts", "src/limiter/embedded-store.ts"]
  assumptions := ["times come from the forward clock, which does not go back"]

def versionsUndo : Claim where
  id := "versions-exact-undo"
  sentence := "Taking changes back restores the content exactly, and no change applies to another content than its own."
  theorems := [thm% Patch.applyOps_invertOps, thm% Patch.applyOps_mismatch, thm% Patch.toSplices_applies,
    thm% Diff.apply_invert, thm% Diff.applyAll_invertAll, thm% Diff.apply_mismatch]
  metric := "proofs_versions_damaged"
  threshold := 0
  window := "5m"
  implementation := ["src/versions/patch.ts"]
  assumptions := ["nobody finds two contents with one SHA-256 hash"]

end Claims
