import Thm.WindowCost
/-!
# Limits that change, stores that lost something, nodes on their own
-/

namespace Window

open Limiter (live)

theorem live_mono {τ τ' : Nat} (hτ : τ ≤ τ') (t : Nat) (h : List Nat) : live τ t h ≤ live τ' t h := by
  unfold live
  apply List.countP_mono_left
  intro x _ hw
  simp only [Bool.and_eq_true, decide_eq_true_eq] at hw ⊢
  omega

/-- What is safe stays safe for a larger limit and for a shorter window. -/
theorem Safe.mono {R R' τ τ' : Nat} {h : List Nat} (hs : Safe R τ h) (hR : R ≤ R') (hτ : τ' ≤ τ) : Safe R' τ' h :=
  fun t => Nat.le_trans (live_mono hτ t h) (Nat.le_trans (hs t) hR)

/-! ## Other rules -/

/-- Requests with the rules of their times: in time, and each rule admits no more than `R` in a window of `τ`. -/
def ForwardRules (R τ : Nat) : Nat → List (Request × Nat × Nat) → Prop
  | _, [] => True
  | now, r :: rs => now ≤ r.1.time ∧ r.2.1 ≤ R ∧ τ ≤ r.2.2 ∧ ForwardRules R τ r.1.time rs

/-- **Rules may change at any time**: a run in which they do holds the most generous of them, the largest limit in the
shortest window. -/
theorem rules_safe {R τ : Nat} (rs : List (Request × Nat × Nat)) {now : Nat} {h : List Nat} (hle : ∀ x ∈ h, x ≤ now)
    (hf : ForwardRules R τ now rs) (hs : Safe R τ h) : Safe R τ (run stepRules h rs).2 := by
  induction rs generalizing now h with
  | nil => exact hs
  | cons r rs ih =>
    obtain ⟨ht, hR, hτ, hf⟩ := hf
    refine ih (now := r.1.time) (h := (stepRules h r).2) (step_le hle ht) hf ?_
    unfold stepRules step
    split
    · rename_i hadm
      refine hs.charge (fun x hx => Nat.le_trans (hle x hx) ht) ?_
      have := live_mono hτ r.1.time h
      omega
    · exact hs

/-- **A raised limit, or a shortened window, holds from the first request on.** -/
theorem raise_safe {R R' τ τ' : Nat} (hR : R ≤ R') (hτ : τ' ≤ τ) {now : Nat} {h : List Nat} (hle : ∀ x ∈ h, x ≤ now)
    (hs : Safe R τ h) (rs : List Request) (hf : Forward now rs) : Safe R' τ' (run (step R' τ') h rs).2 := by
  intro u
  have := run_bound (R := R') (τ := τ') rs hle hf u
  have := hs.mono hR hτ u
  omega

/-- **A lowered limit, or a lengthened window, holds for each window that begins after the change**, whatever was admitted
before, and in the meantime nothing that the window has no room for is admitted. -/
theorem lower_safe {R τ : Nat} {now : Nat} {h : List Nat} (hle : ∀ x ∈ h, x ≤ now) (rs : List Request)
    (hf : Forward now rs) (u : Nat) : live τ u (run (step R τ) h rs).2 ≤ max R (live τ u h) ∧
      (now + τ ≤ u → live τ u (run (step R τ) h rs).2 ≤ R) := by
  have h1 := run_bound (R := R) (τ := τ) rs hle hf u
  refine ⟨h1, fun hu => ?_⟩
  have h0 : live τ u h = 0 := live_zero fun x hx => by have := hle x hx; omega
  omega

/-! ## A store that lost its stamps -/

theorem countP_le_of_count (p : Nat → Bool) {l h : List Nat} (hc : ∀ x, p x = true → h.count x ≤ l.count x) :
    h.countP p ≤ l.countP p := by
  induction h generalizing l with
  | nil => exact Nat.zero_le _
  | cons x h ih =>
    cases hp : p x with
    | false =>
      rw [List.countP_cons_of_neg (by simp [hp])]
      refine ih fun y hy => Nat.le_trans ?_ (hc y hy)
      rw [List.count_cons]
      omega
    | true =>
      have hx := hc x hp
      rw [List.count_cons_self] at hx
      have hmem : x ∈ l := List.count_pos_iff.1 (by omega)
      have hperm := (List.perm_cons_erase hmem).countP_eq p
      rw [List.countP_cons_of_pos hp, hperm, List.countP_cons_of_pos hp]
      refine Nat.succ_le_succ (ih fun y hy => ?_)
      have hy' := hc y hy
      rw [List.count_cons] at hy'
      by_cases e : y = x
      · subst e
        rw [List.count_erase_self]
        simp at hy'
        omega
      · rw [List.count_erase_of_ne e]
        omega

/-- What covers a history leaves no more room than it. -/
theorem Covers.live_le {τ now t : Nat} {l h : List Nat} (hc : Covers τ now l h) (ht : now ≤ t) : live τ t h ≤ live τ t l := by
  apply countP_le_of_count
  intro x hx
  simp only [Bool.and_eq_true, decide_eq_true_eq] at hx
  exact hc x (by omega)

/-- **A store that was seeded anew never admits too much**: from stamps that cover what was really admitted, in whatever
order and with whatever besides, the real admissions stay safe. -/
theorem reseed_safe {R τ : Nat} (rs : List Request) {now : Nat} {l h : List Nat} (hle : ∀ x ∈ h, x ≤ now)
    (hs : Safe R τ h) (hc : Covers τ now l h) (hf : Forward now rs) :
    ∃ new, (run (step R τ) l rs).2 = new ++ l ∧ Safe R τ (new ++ h) := by
  induction rs generalizing now l h with
  | nil => exact ⟨[], rfl, hs⟩
  | cons r rs ih =>
    obtain ⟨ht, hf⟩ := hf
    have hle' : ∀ x ∈ h, x ≤ r.time := fun x hx => Nat.le_trans (hle x hx) ht
    have hc' : Covers τ r.time l h := fun x hx => hc x (by omega)
    by_cases hadm : live τ r.time l + r.cost ≤ R
    · have hroom : live τ r.time h + r.cost ≤ R := by
        have := hc.live_le ht
        omega
      obtain ⟨new, e, hsafe⟩ := ih (now := r.time) (l := List.replicate r.cost r.time ++ l)
        (h := List.replicate r.cost r.time ++ h) (by
          intro x hx
          rcases List.mem_append.1 hx with hx | hx
          · exact Nat.le_of_eq (List.mem_replicate.1 hx).2
          · exact hle' x hx) (hs.charge hle' hroom) (fun x hx => by
          rw [List.count_append, List.count_append]
          have := hc' x hx
          omega) hf
      refine ⟨new ++ List.replicate r.cost r.time, ?_, by rwa [List.append_assoc]⟩
      rw [List.append_assoc, ← e]
      simp [run, step, hadm]
    · obtain ⟨new, e, hsafe⟩ := ih (now := r.time) (l := l) hle' hs hc' hf
      refine ⟨new, ?_, hsafe⟩
      rw [← e]
      simp [run, step, hadm]

theorem count_missing (held brought : List Nat) (x : Nat) : (missing held brought).count x = brought.count x - held.count x := by
  induction brought generalizing held with
  | nil => simp [missing]
  | cons y ys ih =>
    unfold missing
    split
    · rename_i hy
      have hpos : 0 < held.count y := List.count_pos_iff.2 hy
      rw [ih, List.count_cons]
      by_cases e : x = y
      · subst e
        rw [List.count_erase_self]
        simp
        omega
      · rw [List.count_erase_of_ne e]
        simp [Ne.symm e]
    · rename_i hy
      rw [List.count_cons, ih, List.count_cons]
      by_cases e : x = y
      · subst e
        have : held.count x = 0 := List.count_eq_zero.2 hy
        omega
      · simp [Ne.symm e]

/-- Of each time a seeded window has as many copies as the one who has more of them. -/
theorem count_seed (held brought : List Nat) (x : Nat) : (seed held brought).count x = max (held.count x) (brought.count x) := by
  rw [seed, List.count_append, count_missing]
  omega

/-- **Seeding twice is seeding once**: stamps that a node brings again add nothing. -/
theorem seed_twice (held brought : List Nat) (x : Nat) :
    (seed (seed held brought) brought).count x = (seed held brought).count x := by
  simp only [count_seed]
  omega

/-- **Shadow logs cover the admissions** when each admission is in the log of some node with all copies of its time, which is
so because a time is one script's and so one node's; in whatever order the nodes come. -/
theorem seed_covers {τ now : Nat} {h held : List Nat} (logs : List (List Nat))
    (hlogs : ∀ x, now < x + τ → h.count x ≤ held.count x ∨ ∃ log ∈ logs, h.count x ≤ log.count x) :
    Covers τ now (logs.foldl seed held) h := by
  intro x hx
  have grow : ∀ (logs : List (List Nat)) (held : List Nat), held.count x ≤ (logs.foldl seed held).count x ∧
      ∀ log ∈ logs, log.count x ≤ (logs.foldl seed held).count x := by
    intro logs
    induction logs with
    | nil => intro held; exact ⟨Nat.le_refl _, by simp⟩
    | cons log logs ih =>
      intro held
      obtain ⟨h1, h2⟩ := ih (seed held log)
      have := count_seed held log x
      refine ⟨by rw [List.foldl_cons]; omega, ?_⟩
      intro other ho
      rcases List.mem_cons.1 ho with rfl | ho
      · rw [List.foldl_cons]; omega
      · exact h2 other ho
  obtain ⟨h1, h2⟩ := grow logs held
  rcases hlogs x hx with hh | ⟨log, hl, hh⟩
  · omega
  · have := h2 log hl
    omega

/-! ## Nodes on their own -/

theorem live_flatten_le {R τ t : Nat} {logs : List (List Nat)} {limits : List Nat} (hl : logs.length = limits.length)
    (h : ∀ i (h1 : i < logs.length) (h2 : i < limits.length), live τ t logs[i] ≤ limits[i]) :
    limits.sum ≤ R → live τ t logs.flatten ≤ R := by
  induction logs generalizing limits R with
  | nil => intro _; simp [live]
  | cons log logs ih =>
    cases limits with
    | nil => simp at hl
    | cons limit limits =>
      intro hsum
      rw [List.sum_cons] at hsum
      rw [List.flatten_cons, live_append]
      have h0 := h 0 (by simp) (by simp)
      have := ih (R := limits.sum) (limits := limits) (by simpa using hl) (fun i h1 h2 => by
        simpa using h (i + 1) (by simpa using h1) (by simpa using h2)) (Nat.le_refl _)
      simp only [List.getElem_cons_zero] at h0
      omega

theorem sum_map_const (f : Nat → Nat) (c n : Nat) (h : ∀ i, i < n → f i = c) : ((List.range n).map f).sum = n * c := by
  induction n with
  | zero => simp
  | succ n ih =>
    rw [List.range_succ, List.map_append, List.sum_append_nat, ih fun i hi => h i (by omega)]
    simp [h n (by omega), Nat.succ_mul]

/-- **All shares together are no more than the limit**, however many nodes there are. -/
theorem shares_sum (limit nodes : Nat) : ((List.range nodes).map (shareOf limit nodes)).sum ≤ limit := by
  by_cases h : nodes ≤ limit
  · rw [sum_map_const _ (limit / nodes) nodes fun i _ => by simp [shareOf, h]]
    exact Nat.mul_div_le limit nodes
  · cases nodes with
    | zero => simp
    | succ n =>
      rw [List.range_succ_eq_map, List.map_cons, List.sum_cons, List.map_map,
        sum_map_const _ 0 n fun i _ => by simp [shareOf, h]]
      simp [shareOf, h]

/-- **Nodes on their own keep the limit together**, when each keeps its share. -/
theorem shares_safe {limit nodes τ : Nat} {logs : List (List Nat)} (hn : logs.length = nodes)
    (h : ∀ i (hi : i < logs.length), Safe (shareOf limit nodes i) τ logs[i]) : Safe limit τ logs.flatten := by
  intro t
  refine live_flatten_le (limits := (List.range nodes).map (shareOf limit nodes)) (by simpa using hn) ?_ (shares_sum limit nodes)
  intro i h1 h2
  simpa using h i h1 t

/-! ## Witnesses -/

example : ForwardRules 3 10 0 [(⟨1, 2⟩, 3, 10), (⟨2, 1⟩, 2, 10), (⟨3, 1⟩, 3, 20)] := by simp [ForwardRules]
example : run stepRules [] [(⟨1, 2⟩, 3, 10), (⟨2, 1⟩, 2, 10), (⟨3, 1⟩, 3, 20)] = ([true, false, true], [3, 1, 1]) := by decide
/-- After a limit was lowered from 3 to 1 the window is as full as it was until it has emptied. -/
example : (run (step 1 10) [2, 2, 2] [⟨5, 1⟩, ⟨12, 1⟩]) = ([false, true], [12, 2, 2, 2]) := by decide
example : seed [5, 5, 3] [5, 4, 5, 5] = [4, 5, 5, 5, 3] := by decide
/-- Stamps that nobody brought back are missing: without the hypothesis the limit is not kept. -/
example : ¬ Safe 2 10 ((run (step 2 10) [] [⟨6, 2⟩]).2 ++ [5, 5]) := fun h => absurd (h 6) (by decide)
example : (List.range 3).map (shareOf 7 3) = [2, 2, 2] ∧ (List.range 3).map (shareOf 2 3) = [2, 0, 0] := by decide

end Window
