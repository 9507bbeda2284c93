import Model.Limiter

/-!
# What the definition of the window promises
-/

namespace Limiter

/-- The runner in constant stack decides exactly as the runner that the theorems speak of. -/
theorem runFast_eq_run {σ : Type} (step : σ → Nat → Bool × σ) (s : σ) (ts : List Nat) :
    runFast step s ts = run step s ts := by
  have key : ∀ (ts : List Nat) (s : σ) (acc : List Bool),
      ts.foldl (fun (ds, s) t => let (d, s') := step s t; (d :: ds, s')) (acc, s) =
        ((run step s ts).1.reverse ++ acc, (run step s ts).2) := by
    intro ts
    induction ts with
    | nil => intro s acc; rfl
    | cons t ts ih => intro s acc; simp [run, ih]
  simp [runFast, key]

/-! ## Invariants of the full history -/

/-- Newest first, every time at most `now`. -/
inductive Hist : Nat → List Nat → Prop
  | nil (now) : Hist now []
  | cons {now t h} : t ≤ now → Hist t h → Hist now (t :: h)

theorem Hist.mono {a b : Nat} {h : List Nat} (hab : a ≤ b) : Hist a h → Hist b h
  | .nil _ => .nil _
  | .cons hle hh => .cons (Nat.le_trans hle hab) hh

theorem Hist.le {now : Nat} {h : List Nat} (hh : Hist now h) : ∀ x ∈ h, x ≤ now := by
  induction hh with
  | nil => intro x hx; cases hx
  | cons hle _ ih =>
    intro x hx
    rcases List.mem_cons.1 hx with rfl | hx
    · exact hle
    · exact Nat.le_trans (ih x hx) hle

/- In a newest-first history everything from index `n` on is at most the entry at `n`. -/
theorem Hist.drop_le {now : Nat} {h : List Nat} (hh : Hist now h) (n : Nat) (hn : n < h.length) :
    ∀ x ∈ h.drop n, x ≤ h[n] := by
  induction hh generalizing n with
  | nil => cases hn
  | @cons now t h hle hh ih =>
    cases n with
    | zero =>
      intro x hx
      rcases List.mem_cons.1 hx with rfl | hx
      · exact Nat.le_refl _
      · exact hh.le x hx
    | succ n => exact ih n (Nat.lt_of_succ_lt_succ hn)

theorem countP_le_take {p : Nat → Bool} (n : Nat) (h : List Nat)
    (hz : ∀ x ∈ h.drop n, p x = false) : h.countP p ≤ n := by
  have e : h.countP p = (h.take n).countP p + (h.drop n).countP p := by
    rw [← List.countP_append, List.take_append_drop]
  have z : (h.drop n).countP p = 0 := by
    rw [List.countP_eq_zero]; intro x hx; simp [hz x hx]
  have l : (h.take n).countP p ≤ (h.take n).length := List.countP_le_length
  have l' : (h.take n).length ≤ n := List.length_take_le n h
  omega

/-- With at least R admissions known, fewer than R of them are live exactly when the R-th newest has left the window.
-/
theorem live_lt_iff {R τ now t : Nat} {h : List Nat} (hR : 0 < R) (hh : Hist now h) (hnow : now ≤ t) :
    live τ t h < R ↔ ∀ o, h[R-1]? = some o → o + τ ≤ t := by
  constructor
  · intro hlt o ho
    -- if the R-th newest were live, all R newest would be
    rcases Nat.lt_or_ge t (o + τ) with hlive | hok
    · exfalso
      have hlen : R - 1 < h.length := (List.getElem?_eq_some_iff.1 ho).1
      have hval : h[R-1] = o := (List.getElem?_eq_some_iff.1 ho).2
      have hall : ∀ x ∈ h.take R, (t < x + τ && x ≤ t) = true := by
        intro x hx
        obtain ⟨i, hi, rfl⟩ := List.mem_iff_getElem.1 hx
        have hi' : i < R := Nat.lt_of_lt_of_le hi (List.length_take_le R h)
        have hih : i < h.length := by omega
        have hmem : h[R-1] ∈ h.drop i := by
          rw [List.mem_iff_getElem]
          refine ⟨R - 1 - i, ?_, ?_⟩
          · rw [List.length_drop]; omega
          · rw [List.getElem_drop]; congr 1; omega
        have h1 := hh.drop_le i hih _ hmem
        have h2 := hh.le h[i] (List.getElem_mem hih)
        have h3 : (h.take R)[i] = h[i] := List.getElem_take
        rw [h3]
        simp only [Bool.and_eq_true, decide_eq_true_eq]
        omega
      have hc : (h.take R).countP (fun x => t < x + τ && x ≤ t) = (h.take R).length :=
        List.countP_eq_length.2 hall
      have hsub : (h.take R).countP (fun x => t < x + τ && x ≤ t) ≤ live τ t h :=
        (List.take_sublist R h).countP_le
      have : (h.take R).length = R := by rw [List.length_take]; omega
      omega
    · exact hok
  · intro hold
    unfold live
    by_cases hlen : h.length < R
    · exact Nat.lt_of_le_of_lt List.countP_le_length hlen
    · have hlt : R - 1 < h.length := by omega
      have ho := hold h[R-1] (List.getElem?_eq_getElem hlt)
      have := countP_le_take (p := fun x => t < x + τ && x ≤ t) (R - 1) h (by
        intro x hx
        have := hh.drop_le (R-1) hlt x hx
        simp only [Bool.and_eq_false_iff, decide_eq_false_iff_not]
        left; omega)
      omega

/-! ## Soundness and completeness of the specification -/

/-- If no window of the history so far holds more than R admissions, no window ever will, on any trace of times that
do not go back. -/
theorem spec_sound {R τ : Nat} (ts : List Nat) :
    ∀ (now : Nat) (h : List Nat), Hist now h → (∀ a, inWindow τ a h ≤ R) →
      (now :: ts).Pairwise (· ≤ ·) → ∀ a, inWindow τ a (run (specStep R τ) h ts).2 ≤ R := by
  induction ts with
  | nil => intro _ _ _ hw _ a; exact hw a
  | cons t ts ih =>
    intro now h hh hw hp a
    have hnt : now ≤ t := (List.pairwise_cons.1 hp).1 t List.mem_cons_self
    have hp' : (t :: ts).Pairwise (· ≤ ·) := (List.pairwise_cons.1 hp).2
    have hh' : Hist t h := hh.mono hnt
    by_cases hadm : live τ t h < R
    · have e : (run (specStep R τ) h (t :: ts)).2 = (run (specStep R τ) (t :: h) ts).2 := by
        simp [run, specStep, hadm]
      rw [e]
      refine ih t (t :: h) (.cons (Nat.le_refl t) hh') ?_ hp' a
      intro a
      by_cases hin : a < t ∧ t ≤ a + τ
      · -- every admitted time in this window is live at t
        have hle : inWindow τ a h ≤ live τ t h := by
          unfold inWindow live
          apply List.countP_mono_left
          intro x hx hxw
          have := hh'.le x hx
          simp only [Bool.and_eq_true, decide_eq_true_eq] at hxw ⊢
          omega
        have : inWindow τ a (t :: h) = inWindow τ a h + 1 := by
          simp [inWindow, hin]
        omega
      · have : inWindow τ a (t :: h) = inWindow τ a h := by
          unfold inWindow
          rw [List.countP_cons_of_neg]
          simp only [Bool.and_eq_true, decide_eq_true_eq]
          exact hin
        rw [this]; exact hw a
    · have e : (run (specStep R τ) h (t :: ts)).2 = (run (specStep R τ) h ts).2 := by
        simp [run, specStep, hadm]
      rw [e]
      exact ih t h hh' hw hp' a

/-- A request is denied only if at least R admissions are in the window that ends now. -/
theorem spec_denial {R τ t : Nat} {h : List Nat} (hd : (specStep R τ h t).1 = false) : R ≤ live τ t h := by
  unfold specStep at hd
  split at hd
  · cases hd
  · omega

/-- From an empty limiter, no window of length τ ever holds more than R admissions. -/
theorem spec_window_bound (R τ : Nat) (ts : List Nat) (mono : ts.Pairwise (· ≤ ·)) (a : Nat) :
    inWindow τ a (run (specStep R τ) [] ts).2 ≤ R :=
  spec_sound ts 0 [] (.nil 0) (fun _ => by simp [inWindow])
    (List.pairwise_cons.2 ⟨fun _ _ => Nat.zero_le _, mono⟩) a

end Limiter
