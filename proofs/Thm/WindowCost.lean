import Model.Window
/-!
# The window with costs

Safety, completeness of denial, and the step of window.ts that looks at one stamp and forgets old ones.
-/

namespace Window

open Limiter (live inWindow)

theorem live_append (τ t : Nat) (a b : List Nat) : live τ t (a ++ b) = live τ t a + live τ t b := by
  simp [live, List.countP_append]

theorem live_replicate_le (τ u c t : Nat) : live τ u (List.replicate c t) ≤ c := by
  have : live τ u (List.replicate c t) ≤ (List.replicate c t).length := List.countP_le_length
  simpa using this

theorem live_replicate_out {τ u t : Nat} (c : Nat) (h : ¬(u < t + τ ∧ t ≤ u)) : live τ u (List.replicate c t) = 0 := by
  unfold live
  rw [List.countP_eq_zero]
  intro x hx
  obtain ⟨_, rfl⟩ := List.mem_replicate.1 hx
  simpa using h

theorem live_zero {τ t : Nat} {h : List Nat} (ho : ∀ x ∈ h, x + τ ≤ t) : live τ t h = 0 := by
  unfold live
  rw [List.countP_eq_zero]
  intro x hx
  have := ho x hx
  simp only [Bool.and_eq_true, decide_eq_true_eq]
  omega

/-- A window that the newest time lies in holds no more of what came before than the window that ends there. -/
theorem live_le_newest {τ u t : Nat} {h : List Nat} (hle : ∀ x ∈ h, x ≤ t) (hu : t ≤ u) : live τ u h ≤ live τ t h := by
  unfold live
  apply List.countP_mono_left
  intro x hx hw
  have := hle x hx
  simp only [Bool.and_eq_true, decide_eq_true_eq] at hw ⊢
  omega

/-- The window `(a, a + τ]` is the trailing window at its end. -/
theorem inWindow_eq_live (τ a : Nat) (h : List Nat) : inWindow τ a h = live τ (a + τ) h := by
  unfold inWindow live
  congr 1
  funext x
  simp

/-- What one admission may do to each trailing window. -/
theorem live_charge {R τ t c u : Nat} {h : List Nat} (hle : ∀ x ∈ h, x ≤ t) (hadm : live τ t h + c ≤ R) :
    live τ u (List.replicate c t ++ h) ≤ max R (live τ u h) := by
  rw [live_append]
  by_cases hin : u < t + τ ∧ t ≤ u
  · have := live_le_newest (τ := τ) hle hin.2
    have := live_replicate_le τ u c t
    omega
  · rw [live_replicate_out c hin]
    omega

theorem Safe.charge {R τ t c : Nat} {h : List Nat} (hs : Safe R τ h) (hle : ∀ x ∈ h, x ≤ t) (hadm : live τ t h + c ≤ R) :
    Safe R τ (List.replicate c t ++ h) := by
  intro u
  have := live_charge (u := u) hle hadm
  have := hs u
  omega

theorem step_le {R τ now : Nat} {h : List Nat} {r : Request} (hle : ∀ x ∈ h, x ≤ now) (hr : now ≤ r.time) :
    ∀ x ∈ (step R τ h r).2, x ≤ r.time := by
  have hle' : ∀ x ∈ h, x ≤ r.time := fun x hx => Nat.le_trans (hle x hx) hr
  unfold step
  split
  · intro x hx
    rcases List.mem_append.1 hx with hx | hx
    · exact Nat.le_of_eq (List.mem_replicate.1 hx).2
    · exact hle' x hx
  · exact hle'

/-- **From any history**: a run leaves in each trailing window at most `R`, or what was there before. -/
theorem run_bound {R τ : Nat} (rs : List Request) {now : Nat} {h : List Nat} (hle : ∀ x ∈ h, x ≤ now) (hf : Forward now rs)
    (u : Nat) : live τ u (run (step R τ) h rs).2 ≤ max R (live τ u h) := by
  induction rs generalizing now h with
  | nil => exact Nat.le_max_right ..
  | cons r rs ih =>
    have := ih (step_le (R := R) (τ := τ) hle hf.1) hf.2
    have h1 : live τ u (step R τ h r).2 ≤ max R (live τ u h) := by
      unfold step
      split
      · exact live_charge (fun x hx => Nat.le_trans (hle x hx) hf.1) ‹_›
      · exact Nat.le_max_right ..
    show live τ u (run (step R τ) (step R τ h r).2 rs).2 ≤ _
    omega

/-- **Safety with costs.** However long the run and whatever the costs, no trailing window holds more than `R` units. -/
theorem cost_safe (R τ : Nat) (rs : List Request) (hf : Forward 0 rs) : Safe R τ (run (step R τ) [] rs).2 := by
  intro u
  have := run_bound (R := R) (τ := τ) rs (h := []) (now := 0) (fun _ hx => by cases hx) hf u
  simpa [live] using this

/-- The same for every window `(a, a + τ]`. -/
theorem cost_window_bound (R τ : Nat) (rs : List Request) (hf : Forward 0 rs) (a : Nat) :
    inWindow τ a (run (step R τ) [] rs).2 ≤ R := by
  rw [inWindow_eq_live]
  exact cost_safe R τ rs hf _

/-- **No needless denial.** A request is refused only when the trailing window has no room for its cost, and then nothing
is charged. -/
theorem cost_denial {R τ : Nat} {h : List Nat} {r : Request} (hd : (step R τ h r).1 = false) :
    R < live τ r.time h + r.cost ∧ (step R τ h r).2 = h := by
  unfold step at hd ⊢
  split at hd
  · cases hd
  · rename_i hn
    rw [if_neg hn]
    exact ⟨by omega, rfl⟩

/-- For requests of cost 1 this is the definition of the limiter that the ring buffer refines. -/
theorem step_unit (R τ : Nat) (h : List Nat) (t : Nat) : step R τ h ⟨t, 1⟩ = Limiter.specStep R τ h t := by
  simp [step, Limiter.specStep, Nat.succ_le_iff, List.replicate]

/-! ## One stamp decides -/

/-- Of newest-first stamps at most `n` are in the window exactly when the one behind the first `n` has left it. -/
theorem live_le_iff {τ t : Nat} {h : List Nat} (hs : h.Pairwise fun a b => b ≤ a) (hle : ∀ x ∈ h, x ≤ t) (n : Nat) :
    live τ t h ≤ n ↔ ∀ o, h[n]? = some o → o + τ ≤ t := by
  induction h generalizing n with
  | nil => simp [live]
  | cons x h ih =>
    obtain ⟨hx, hs⟩ := List.pairwise_cons.1 hs
    have hxt := hle x List.mem_cons_self
    have hle' : ∀ y ∈ h, y ≤ t := fun y hy => hle y (List.mem_cons_of_mem x hy)
    by_cases hlive : t < x + τ
    · have e : live τ t (x :: h) = live τ t h + 1 := List.countP_cons_of_pos (by simp [hlive, hxt])
      rw [e]
      cases n with
      | zero => exact ⟨fun h => by omega, fun h => by have := h x rfl; omega⟩
      | succ n => rw [Nat.succ_le_succ_iff, ih hs hle' n]; rfl
    · have hall : ∀ y ∈ x :: h, y + τ ≤ t := by
        intro y hy
        rcases List.mem_cons.1 hy with rfl | hy
        · omega
        · have := hx y hy; omega
      rw [live_zero hall]
      exact ⟨fun _ o ho => hall o (List.mem_of_getElem? ho), fun _ => Nat.zero_le n⟩

/-- **The one stamp that window.ts looks at decides as the definition does.** -/
theorem admits_eq {R τ : Nat} {l : List Nat} {r : Request} (hs : l.Pairwise fun a b => b ≤ a) (hle : ∀ x ∈ l, x ≤ r.time) :
    admits R τ l r = decide (live τ r.time l + r.cost ≤ R) := by
  have key := live_le_iff (τ := τ) hs hle (R - r.cost)
  unfold admits
  split
  · simp; omega
  · have e : live τ r.time l + r.cost ≤ R ↔ live τ r.time l ≤ R - r.cost := by omega
    rw [Bool.eq_iff_iff, decide_eq_true_iff, e.trans key]
    cases l[R - r.cost]? <;> simp

/-- **Retry-After is exact**: with nothing else admitted a request of cost at most `R` is admitted at a later time exactly
when the stamp that stands in its way has left the window. -/
theorem retry_exact {R τ c stamp t : Nat} {l : List Nat} (hs : l.Pairwise fun a b => b ≤ a) (hle : ∀ x ∈ l, x ≤ t)
    (hc : c ≤ R) (hb : l[R - c]? = some stamp) (t' : Nat) (ht : t ≤ t') :
    (step R τ l ⟨t', c⟩).1 = true ↔ stamp + τ ≤ t' := by
  have := admits_eq (R := R) (τ := τ) (r := ⟨t', c⟩) hs (fun x hx => Nat.le_trans (hle x hx) ht)
  simp only [admits, if_neg (Nat.not_lt.2 hc), hb, decide_eq_decide] at this
  rw [this]
  unfold step
  split <;> simp_all

/-! ## Forgetting -/

theorem forgets_nothing (τ : Nat) : Forgets τ fun _ l => l := fun _ l _ => ⟨[], by simp, by simp⟩

theorem forgets_popOld (τ : Nat) : Forgets τ (popOld τ) := by
  intro t l hs
  induction l with
  | nil => exact ⟨[], rfl, by simp⟩
  | cons x l ih =>
    obtain ⟨hx, hs⟩ := List.pairwise_cons.1 hs
    by_cases hlive : t < x + τ
    · obtain ⟨old, hl, ho⟩ := ih hs
      refine ⟨old, ?_, ho⟩
      have : popOld τ t (x :: l) = x :: popOld τ t l := by simp [popOld, hlive]
      rw [this, List.cons_append, ← hl]
    · have hall : ∀ y ∈ x :: l, y + τ ≤ t := by
        intro y hy
        rcases List.mem_cons.1 hy with rfl | hy
        · omega
        · have := hx y hy; omega
      have : popOld τ t (x :: l) = [] := by
        unfold popOld
        rw [List.filter_eq_nil_iff]
        intro y hy
        have := hall y hy
        simp; omega
      exact ⟨x :: l, by rw [this, List.nil_append], hall⟩

/-- Forgetting for a longer window is forgetting for a shorter one. -/
theorem Forgets.mono {τ τ' : Nat} {pop : Nat → List Nat → List Nat} (h : Forgets τ' pop) (hτ : τ ≤ τ') : Forgets τ pop := by
  intro t l hs
  obtain ⟨old, e, ho⟩ := h t l hs
  exact ⟨old, e, fun x hx => by have := ho x hx; omega⟩

/-- **Forgetting old stamps, whenever and however lazily, never changes a decision.** -/
theorem lazy_pop {R τ : Nat} {before after : Nat → List Nat → List Nat} (hb : Forgets τ before) (ha : Forgets τ after)
    (rs : List Request) {now : Nat} {l old : List Nat} (hs : (l ++ old).Pairwise fun a b => b ≤ a)
    (hle : ∀ x ∈ l ++ old, x ≤ now) (ho : ∀ x ∈ old, x + τ ≤ now) (hf : Forward now rs) :
    (run (stampsStep before after R τ) l rs).1 = (run (step R τ) (l ++ old) rs).1 := by
  induction rs generalizing now l old with
  | nil => rfl
  | cons r rs ih =>
    obtain ⟨hr, hf⟩ := hf
    obtain ⟨old₁, e₁, ho₁⟩ := hb r.time l (List.pairwise_append.1 hs).1
    generalize hl : before r.time l = kept at e₁
    subst e₁
    rw [List.append_assoc] at hs hle ⊢
    have hold : ∀ x ∈ old₁ ++ old, x + τ ≤ r.time := by
      intro x hx
      rcases List.mem_append.1 hx with hx | hx
      · exact ho₁ x hx
      · have := ho x hx; omega
    have hle' : ∀ x ∈ kept ++ (old₁ ++ old), x ≤ r.time := fun x hx => Nat.le_trans (hle x hx) hr
    obtain ⟨hsk, _, hcross⟩ := List.pairwise_append.1 hs
    have hd := admits_eq (R := R) (τ := τ) (r := r) hsk fun x hx => hle' x (List.mem_append_left _ hx)
    have hlive : live τ r.time (kept ++ (old₁ ++ old)) = live τ r.time kept := by
      rw [live_append, live_zero hold, Nat.add_zero]
    obtain ⟨old₂, e₂, ho₂⟩ := ha r.time kept hsk
    simp only [run, stampsStep, step, hl, hlive, hd]
    by_cases hadm : live τ r.time kept + r.cost ≤ R
    · simp only [hadm, decide_true, if_true]
      congr 1
      generalize after r.time kept = kept' at e₂
      subst e₂
      have := ih (now := r.time) (l := List.replicate r.cost r.time ++ kept') (old := old₂ ++ (old₁ ++ old)) ?_ ?_ ?_ hf
      · simpa [List.append_assoc] using this
      · rw [List.append_assoc, ← List.append_assoc kept']
        refine List.pairwise_append.2 ⟨List.pairwise_replicate.2 (Or.inr (Nat.le_refl _)), hs, ?_⟩
        intro a hx b hy
        rw [(List.mem_replicate.1 hx).2]
        exact hle' b hy
      · intro x hx
        rw [List.append_assoc, ← List.append_assoc kept'] at hx
        rcases List.mem_append.1 hx with hx | hx
        · exact Nat.le_of_eq (List.mem_replicate.1 hx).2
        · exact hle' x hx
      · intro x hx
        rcases List.mem_append.1 hx with hx | hx
        · exact ho₂ x hx
        · exact hold x hx
    · simp only [hadm, decide_false, if_false, Bool.false_eq_true]
      congr 1
      exact ih hs hle' hold hf

/-- **window.ts decides as the definition**, on every run of requests in time. -/
theorem window_ts_refines (R τ : Nat) (rs : List Request) (hf : Forward 0 rs) :
    (run (stampsStep (fun _ l => l) (popOld τ) R τ) [] rs).1 = (run (step R τ) [] rs).1 :=
  lazy_pop (forgets_nothing τ) (forgets_popOld τ) rs (l := []) (old := []) .nil (by simp) (by simp) hf

/-- The embedded store, which forgets before it looks and by the longest window asked for, decides as the definition. -/
theorem embedded_refines (R τ longest : Nat) (hτ : τ ≤ longest) (rs : List Request) (hf : Forward 0 rs) :
    (run (stampsStep (popOld longest) (fun _ l => l) R τ) [] rs).1 = (run (step R τ) [] rs).1 :=
  lazy_pop ((forgets_popOld longest).mono hτ) (forgets_nothing τ) rs (l := []) (old := []) .nil (by simp) (by simp) hf

/-! ## Witnesses -/

private def requests : List Request := [⟨1, 2⟩, ⟨4, 2⟩, ⟨4, 1⟩, ⟨10, 2⟩, ⟨11, 2⟩]
example : Forward 0 requests := by simp [requests, Forward]
example : run (step 3 10) [] requests = ([true, false, true, false, true], [11, 11, 4, 1, 1]) := by decide
example : (run (stampsStep (fun _ l => l) (popOld 10) 3 10) [] requests) = ([true, false, true, false, true], [11, 11, 4]) := by decide
/-- Forgetting for a window that is too short changes a decision. -/
example : (run (stampsStep (popOld 5) (popOld 5) 3 10) [] requests).1 ≠ (run (step 3 10) [] requests).1 := by decide
/-- Charging before asking whether there is room breaks safety. -/
example : ¬ Safe 3 10 [4, 4, 1, 1] := fun h => absurd (h 4) (by decide)

end Window
