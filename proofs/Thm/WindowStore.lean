import Thm.WindowCost
/-!
# Several keys at once

A check has claims on several keys: all are kept, or none is charged.
-/

namespace Window

open Limiter (live)

variable {κ : Type} [DecidableEq κ]

/-- Checks in time, none with two claims on one key. -/
def ForwardChecks : Nat → List (Nat × List (Claim κ)) → Prop
  | _, [] => True
  | now, c :: cs => now ≤ c.1 ∧ (c.2.map Claim.key).Nodup ∧ ForwardChecks c.1 cs

/-- **A denial charges nothing**: after a check that was refused all windows are as before. -/
theorem check_denied {s : Store κ} {check : Nat × List (Claim κ)} (h : (checkStep s check).1 = false) :
    (checkStep s check).2 = s := by
  unfold checkStep at h ⊢
  split at h
  · cases h
  · rename_i hn
    rw [if_neg hn]

/-- A check is refused only when a claim that is no dry run has no room. -/
theorem check_denied_why {s : Store κ} {check : Nat × List (Claim κ)} (h : (checkStep s check).1 = false) :
    ∃ c ∈ check.2, c.isDryRun = false ∧ c.limit < live c.window check.1 (s c.key) + c.cost := by
  unfold checkStep at h
  split at h
  · cases h
  · rename_i hn
    simp only [isAdmitted, Bool.not_eq_true, List.all_eq_false, Bool.or_eq_false_iff] at hn
    obtain ⟨c, hc, hd⟩ := hn
    refine ⟨c, hc, hd.1, ?_⟩
    have := hd.2
    simp only [fits, decide_eq_false_iff_not] at this
    omega

theorem charge_other {s s' : Store κ} {t : Nat} {claims : List (Claim κ)} {k : κ} (hk : k ∉ claims.map Claim.key) :
    claims.foldl (fun s' c => if fits s t c then push s' t c else s') s' k = s' k := by
  induction claims generalizing s' with
  | nil => rfl
  | cons c cs ih =>
    simp only [List.map_cons, List.mem_cons, not_or] at hk
    rw [List.foldl_cons, ih hk.2]
    split
    · simp [push, hk.1]
    · rfl

/-- A key that no claim is on is not touched, and each other one is charged for its own claim alone. -/
theorem charge_own {s s' : Store κ} {t : Nat} {claims : List (Claim κ)} (hd : (claims.map Claim.key).Nodup) {c : Claim κ}
    (hc : c ∈ claims) : claims.foldl (fun s' c => if fits s t c then push s' t c else s') s' c.key =
      if fits s t c then List.replicate c.cost t ++ s' c.key else s' c.key := by
  induction claims generalizing s' with
  | nil => cases hc
  | cons d ds ih =>
    simp only [List.map_cons, List.nodup_cons] at hd
    rw [List.foldl_cons]
    rcases List.mem_cons.1 hc with rfl | hc
    · rw [charge_other hd.1]
      split <;> simp [push]
    · rw [ih hd.2 hc]
      have hne : c.key ≠ d.key := fun e => hd.1 (e ▸ List.mem_map_of_mem hc)
      have : (if fits s t d then push s' t d else s') c.key = s' c.key := by
        split
        · simp [push, hne]
        · rfl
      rw [this]

/-- **All of an admitted check is charged**: each claim, but for a dry run that does not fit, adds its cost to its window. -/
theorem check_admitted {s : Store κ} {check : Nat × List (Claim κ)} (hd : (check.2.map Claim.key).Nodup)
    (h : (checkStep s check).1 = true) {c : Claim κ} (hc : c ∈ check.2) (hr : c.isDryRun = false ∨ fits s check.1 c) :
    (checkStep s check).2 c.key = List.replicate c.cost check.1 ++ s c.key := by
  unfold checkStep at h ⊢
  split at h
  · rename_i ha
    rw [if_pos ha]
    have hf : fits s check.1 c = true := by
      rcases hr with hr | hr
      · have := List.all_eq_true.1 ha c hc
        simpa [hr] using this
      · exact hr
    show charge s check.1 check.2 c.key = _
    rw [charge, charge_own hd hc, if_pos hf]
  · cases h

/-- What a check does to the window of one key: nothing, or a charge that fits. -/
theorem check_key {s : Store κ} {check : Nat × List (Claim κ)} (hd : (check.2.map Claim.key).Nodup) (k : κ) :
    (checkStep s check).2 k = s k ∨ ∃ c ∈ check.2, c.key = k ∧ live c.window check.1 (s k) + c.cost ≤ c.limit ∧
      (checkStep s check).2 k = List.replicate c.cost check.1 ++ s k := by
  unfold checkStep
  split
  · show charge s check.1 check.2 k = s k ∨ ∃ c ∈ check.2, c.key = k ∧ _ ∧ charge s check.1 check.2 k = _
    by_cases hk : k ∈ check.2.map Claim.key
    · obtain ⟨c, hc, rfl⟩ := List.mem_map.1 hk
      rw [charge, charge_own hd hc]
      split
      · rename_i hf
        refine .inr ⟨c, hc, rfl, by simpa [fits] using hf, rfl⟩
      · exact .inl rfl
    · exact .inl (charge_other hk)
  · exact .inl rfl

/-- **Safety of every key.** Whatever the other claims of its checks, dry runs included, no trailing window of a key whose
claims all have one limit and one window holds more than that limit. -/
theorem store_safe {R τ : Nat} {k : κ} (checks : List (Nat × List (Claim κ)))
    (hrule : ∀ check ∈ checks, ∀ c ∈ check.2, c.key = k → c.limit = R ∧ c.window = τ) {now : Nat}
    (hf : ForwardChecks now checks) {s : Store κ} (hle : ∀ x ∈ s k, x ≤ now) (hs : Safe R τ (s k)) :
    Safe R τ ((run checkStep s checks).2 k) := by
  induction checks generalizing now s with
  | nil => exact hs
  | cons check checks ih =>
    obtain ⟨ht, hd, hf⟩ := hf
    have hle' : ∀ x ∈ s k, x ≤ check.1 := fun x hx => Nat.le_trans (hle x hx) ht
    have hrule' := fun c hc => hrule c (List.mem_cons_of_mem _ hc)
    show Safe R τ ((run checkStep (checkStep s check).2 checks).2 k)
    rcases check_key (s := s) hd k with e | ⟨c, hc, hk, hfit, e⟩
    · exact ih hrule' hf (by rw [e]; exact hle') (by rw [e]; exact hs)
    · obtain ⟨hR, hτ⟩ := hrule check List.mem_cons_self c hc hk
      rw [hR, hτ] at hfit
      refine ih hrule' hf ?_ ?_
      · rw [e]
        intro x hx
        rcases List.mem_append.1 hx with hx | hx
        · exact Nat.le_of_eq (List.mem_replicate.1 hx).2
        · exact hle' x hx
      · rw [e]
        exact hs.charge hle' hfit

/-! ## Witnesses -/

private def user (isDryRun : Bool) : Claim Bool := { key := true, limit := 2, window := 10, isDryRun }
private def route : Claim Bool := { key := false, limit := 1, window := 10 }
private def none' : Store Bool := fun _ => []
private def checks : List (Nat × List (Claim Bool)) := [(1, [user false, route]), (2, [user false, route]), (3, [user false])]
example : ForwardChecks 0 checks := by simp [ForwardChecks, checks, user, route]
/-- The second check finds room for one of its claims only, and charges neither. -/
example : (run checkStep none' checks).1 = [true, false, true] ∧ (run checkStep none' checks).2 true = [3, 1] := by decide
/-- A dry run that does not fit denies nothing and is not charged. -/
example : let r := run checkStep none' [(1, [user true]), (2, [user true]), (3, [user true, route])]
    r.1 = [true, true, true] ∧ r.2 true = [2, 1] ∧ r.2 false = [3] := by decide
/-- Two claims on one key in one check would each find the same room: keys have to differ. -/
example : ¬ Safe 1 10 ((checkStep none' (1, [route, route])).2 false) := fun h => absurd (h 1) (by decide)

end Window
