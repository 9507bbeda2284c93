import Thm.WindowCost
/-!
# Admitting whenever there is room is best, for requests of cost 1
-/

namespace Window

open Limiter (live)

theorem old_add_live {τ t : Nat} {h : List Nat} (hle : ∀ x ∈ h, x ≤ t) :
    h.countP (fun x => decide (x + τ ≤ t)) + live τ t h = h.length := by
  induction h with
  | nil => rfl
  | cons x h ih =>
    have hx := hle x List.mem_cons_self
    have := ih fun y hy => hle y (List.mem_cons_of_mem x hy)
    unfold live at this ⊢
    by_cases ho : x + τ ≤ t
    · rw [List.countP_cons_of_pos (by simpa using ho), List.countP_cons_of_neg (by simp; omega), List.length_cons]
      omega
    · rw [List.countP_cons_of_neg (by simpa using ho), List.countP_cons_of_pos (by simp; omega), List.length_cons]
      omega

theorem Safe.perm {R τ : Nat} {a b : List Nat} (h : Safe R τ a) (hp : a.Perm b) : Safe R τ b := by
  intro t
  have := h t
  unfold live at this ⊢
  rwa [← hp.countP_eq]

/-- The greedy history `g` is never behind the other one, `y`: of each moment it has no fewer admissions that are as old. -/
def Ahead (τ : Nat) (g y : List Nat) : Prop :=
  ∀ u, y.countP (fun x => decide (x + τ ≤ u)) ≤ g.countP (fun x => decide (x + τ ≤ u))

theorem Ahead.length {τ t : Nat} {g y : List Nat} (h : Ahead τ g y) (hg : ∀ x ∈ g, x ≤ t) (hy : ∀ x ∈ y, x ≤ t) :
    y.length ≤ g.length := by
  have := h (t + τ)
  have e : ∀ l : List Nat, (∀ x ∈ l, x ≤ t) → l.countP (fun x => decide (x + τ ≤ t + τ)) = l.length := by
    intro l hl
    rw [List.countP_eq_length]
    intro x hx
    have := hl x hx
    simpa using this
  rwa [e g hg, e y hy] at this

theorem countP_cons_le (p : Nat → Bool) (x : Nat) (l : List Nat) : l.countP p ≤ (x :: l).countP p := by
  rw [List.countP_cons]
  omega

theorem greedy_from {R τ : Nat} (hτ : 0 < τ) {ts ys : List Nat} (hsub : ys.Sublist ts) {now : Nat} {g y : List Nat}
    (hg : ∀ x ∈ g, x ≤ now) (hy : ∀ x ∈ y, x ≤ now) (ha : Ahead τ g y) (hf : (now :: ts).Pairwise (· ≤ ·))
    (hs : Safe R τ (ys ++ y)) : ys.length + y.length ≤ (run (step R τ) g (ts.map (⟨·, 1⟩))).2.length := by
  induction hsub generalizing now g y with
  | slnil => simpa [run] using ha.length hg hy
  | @cons ys ts t hsub ih =>
    have ht : now ≤ t := (List.pairwise_cons.1 hf).1 t List.mem_cons_self
    refine ih (step_le hg ht) (fun x hx => Nat.le_trans (hy x hx) ht) ?_ (List.pairwise_cons.1 hf).2 hs
    unfold step
    split
    · intro u
      exact Nat.le_trans (ha u) (countP_cons_le _ t g)
    · exact ha
  | @cons₂ ys ts t hsub ih =>
    have ht : now ≤ t := (List.pairwise_cons.1 hf).1 t List.mem_cons_self
    have hg' : ∀ x ∈ g, x ≤ t := fun x hx => Nat.le_trans (hg x hx) ht
    have hy' : ∀ x ∈ y, x ≤ t := fun x hx => Nat.le_trans (hy x hx) ht
    have hty : ∀ x ∈ t :: y, x ≤ t := by
      intro x hx
      rcases List.mem_cons.1 hx with rfl | hx
      · exact Nat.le_refl _
      · exact hy' x hx
    have hs' : Safe R τ (ys ++ t :: y) := hs.perm List.perm_middle.symm
    have := ih (g := (step R τ g ⟨t, 1⟩).2) (y := t :: y) (step_le hg ht) hty ?_ (List.pairwise_cons.1 hf).2 hs'
    · simp only [List.length_cons] at this ⊢
      show ys.length + 1 + y.length ≤ (run (step R τ) (step R τ g ⟨t, 1⟩).2 (ts.map (⟨·, 1⟩))).2.length
      omega
    · unfold step
      split
      · intro u
        show List.countP _ (t :: y) ≤ List.countP _ (t :: g)
        rw [List.countP_cons, List.countP_cons]
        have := ha u
        omega
      · rename_i hn
        -- The greedy run refuses `t`. Then it has admitted more so far, or the other run has no room for `t` either.
        have hn : ¬ live τ t g + 1 ≤ R := hn
        intro u
        by_cases hu : t + τ ≤ u
        · have hlen : y.length + 1 ≤ g.length := by
            have h1 := old_add_live (τ := τ) hg'
            have h2 := old_add_live (τ := τ) hy'
            have h3 := ha t
            have h4 := hs' t
            have h5 : live τ t (t :: y) = live τ t y + 1 := List.countP_cons_of_pos (by simp; omega)
            rw [live_append, h5] at h4
            omega
          have all : ∀ l : List Nat, (∀ x ∈ l, x ≤ t) → l.countP (fun x => decide (x + τ ≤ u)) = l.length := by
            intro l hl
            rw [List.countP_eq_length]
            intro x hx
            have := hl x hx
            simp; omega
          rw [all _ hty, all _ hg']
          exact hlen
        · rw [List.countP_cons_of_neg (by simpa using hu)]
          exact ha u

/-- **Greedy is best for unit cost**: of the same arrivals no choice that is safe in every trailing window admits more. -/
theorem greedy_optimal {R τ : Nat} (hτ : 0 < τ) {ts ys : List Nat} (hf : ts.Pairwise (· ≤ ·)) (hsub : ys.Sublist ts)
    (hs : Safe R τ ys) : ys.length ≤ (run (step R τ) [] (ts.map (⟨·, 1⟩))).2.length := by
  have := greedy_from (R := R) hτ hsub (now := 0) (g := []) (y := []) (by simp) (by simp) (fun _ => Nat.le_refl _)
    (List.pairwise_cons.2 ⟨fun _ _ => Nat.zero_le _, hf⟩) (by simpa using hs)
  simpa using this

/-! ## Witnesses -/

/-- The hypotheses can hold: leaving out the first arrival is safe, and admits no more. -/
example : [2, 3].Sublist [1, 2, 3] ∧ [1, 2, 3].Pairwise (· ≤ ·) ∧
    (run (step 2 10) [] [⟨1, 1⟩, ⟨2, 1⟩, ⟨3, 1⟩]).2 = [2, 1] := by decide
/-- **Of requests with different costs greedy is not best**: who refuses the first one of these, of cost 2, can admit two
requests instead of one; and the second pair shows that it may be three units instead of two. -/
example : (run (step 2 10) [] [⟨0, 2⟩, ⟨1, 1⟩, ⟨2, 1⟩]).1 = [true, false, false] ∧
    (run (step 2 10) [] [⟨1, 1⟩, ⟨2, 1⟩]).1 = [true, true] ∧
    (run (step 3 10) [] [⟨0, 2⟩, ⟨1, 3⟩]).2.length = 2 ∧ (run (step 3 10) [] [⟨1, 3⟩]).2.length = 3 := by decide
/-- A run that refuses when one more would just fit is not best. -/
example : (run (step (2 - 1) 10) [] [⟨1, 1⟩, ⟨2, 1⟩]).2.length < ([1, 2] : List Nat).length := by decide

end Window
