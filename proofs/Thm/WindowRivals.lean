import Thm.WindowCost
/-!
# What the usual limiters let through

Evaluated: on one trace each admits at least 2R − 1 units in some trailing window, which the exact window does not.
-/

namespace Window

open Limiter (live)

/-- **A fixed window is not safe**: with a limit of 5 it admits 10 within two units of time. -/
theorem fixed_overruns : ∃ ts : List Nat, ts.Pairwise (· ≤ ·) ∧
    ∃ u, 2 * 5 - 1 ≤ live 20 u (admitted (fixedStep 5 20) (0, 0) ts) :=
  ⟨List.replicate 5 19 ++ List.replicate 5 20, by decide, 20, by decide⟩

/-- **Two buckets are not safe**: with a limit of 5 they admit 9 in one window. -/
theorem buckets_overrun : ∃ ts : List Nat, ts.Pairwise (· ≤ ·) ∧
    ∃ u, 2 * 5 - 1 ≤ live 20 u (admitted (bucketsStep 5 20) (0, 0, 0) ts) :=
  ⟨List.replicate 5 19 ++ [24, 28, 32, 36], by decide, 38, by decide⟩

/-- **Two buckets deny with an empty window**: everything that was admitted has left it, and the request is refused. -/
theorem buckets_deny_empty : ∃ (ts : List Nat) (t : Nat), (ts ++ [t]).Pairwise (· ≤ ·) ∧
    live 20 t (admitted (bucketsStep 5 20) (0, 0, 0) ts) = 0 ∧ (run (bucketsStep 5 20) (0, 0, 0) (ts ++ [t])).1.getLast? = some false :=
  ⟨List.replicate 5 0, 21, by decide, by decide, by decide⟩

/-- **The generic cell rate algorithm is not safe**: with a burst of 5 it admits 9 in one window. -/
theorem gcra_overruns : ∃ ts : List Nat, ts.Pairwise (· ≤ ·) ∧
    ∃ u, 2 * 5 - 1 ≤ live 20 u (admitted (gcraStep 5 20) 0 ts) :=
  ⟨List.replicate 5 1 ++ [5, 9, 13, 17], by decide, 17, by decide⟩

/-- On the same traces the exact window admits no more than its limit, and nothing less than it could. -/
example : (run (step 5 20) [] ((List.replicate 5 19 ++ List.replicate 5 20).map (⟨·, 1⟩))).2 = List.replicate 5 19 ∧
    (run (step 5 20) [] ((List.replicate 5 0 ++ [21]).map (⟨·, 1⟩))).2 = 21 :: List.replicate 5 0 := by decide

end Window
