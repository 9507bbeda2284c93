import Thm.LimiterLog

/-!
# The ring buffer decides as the log, and so as the definition
-/

namespace Limiter

/-- `c` represents `l` (newest first): entry `i` of the log is `i+1` slots behind the write index, cyclically. -/
structure Rep (R : Nat) (c : Ring) (l : List Nat) : Prop where
  size : c.buf.size = R
  count : c.count = l.length
  le : l.length ≤ R
  next : c.next < R ∨ R = 0
  fill : l.length < R → c.next = l.length
  slot : ∀ i, i < l.length → l[i]? = some c.buf[if i < c.next then c.next - 1 - i else c.next + R - 1 - i]!

theorem Rep.empty (R : Nat) : Rep R (Ring.empty R) [] where
  size := by simp [Ring.empty]
  count := rfl
  le := Nat.zero_le R
  next := by simp only [Ring.empty]; omega
  fill := fun _ => rfl
  slot := fun i hi => by cases hi

theorem getElem!_set!_eq (b : Array Nat) (i v : Nat) (hi : i < b.size) : (b.set! i v)[i]! = v := by
  rw [getElem!_pos (b.set! i v) i (by simpa using hi)]
  simp

theorem getElem!_set!_ne (b : Array Nat) (i j v : Nat) (hne : i ≠ j) (hj : j < b.size) :
    (b.set! i v)[j]! = b[j]! := by
  rw [getElem!_pos (b.set! i v) j (by simpa using hj), getElem!_pos b j hj]
  simp only [Array.set!_eq_setIfInBounds]
  exact Array.getElem_setIfInBounds_ne hj hne

theorem Rep.push_fill {R t : Nat} {c : Ring} {l : List Nat} (r : Rep R c l) (hlt : l.length < R) :
    Rep R (c.push R t) (t :: l) := by
  have hn := r.fill hlt
  have hs := r.size
  have hc := r.count
  refine ⟨?_, ?_, ?_, ?_, ?_, ?_⟩
  · simp [Ring.push, hs]
  · simp only [Ring.push, List.length_cons, hc, if_pos hlt]
  · simp only [List.length_cons]; omega
  · simp only [Ring.push]; split <;> omega
  · simp only [Ring.push, List.length_cons]; intro h; split <;> omega
  · intro i hi
    simp only [List.length_cons] at hi
    cases i with
    | zero =>
      have hidx : (if 0 < (c.push R t).next then (c.push R t).next - 1 - 0 else (c.push R t).next + R - 1 - 0) = c.next := by
        simp only [Ring.push]; split <;> split <;> omega
      rw [hidx]
      simp only [Ring.push, List.getElem?_cons_zero]
      rw [getElem!_set!_eq _ _ _ (by omega)]
    | succ i =>
      have hi' : i < l.length := by omega
      have hidx : (if i + 1 < (c.push R t).next then (c.push R t).next - 1 - (i + 1) else (c.push R t).next + R - 1 - (i + 1))
          = (if i < c.next then c.next - 1 - i else c.next + R - 1 - i) := by
        simp only [Ring.push]; split <;> split <;> split <;> omega
      rw [hidx, List.getElem?_cons_succ, r.slot i hi']
      simp only [Ring.push]
      rw [getElem!_set!_ne]
      · split <;> omega
      · split <;> omega

theorem Rep.push_full {R t : Nat} {c : Ring} {l : List Nat} (r : Rep R c l) (hR : 0 < R) (hfull : l.length = R) :
    Rep R (c.push R t) (t :: l.dropLast) := by
  have hs := r.size
  have hc := r.count
  have hn : c.next < R := by have := r.next; omega
  refine ⟨?_, ?_, ?_, ?_, ?_, ?_⟩
  · simp [Ring.push, hs]
  · simp only [Ring.push, List.length_cons, List.length_dropLast, hc]; split <;> omega
  · simp only [List.length_cons, List.length_dropLast]; omega
  · simp only [Ring.push]; split <;> omega
  · simp only [List.length_cons, List.length_dropLast]; intro h; omega
  · intro i hi
    simp only [List.length_cons, List.length_dropLast] at hi
    cases i with
    | zero =>
      have hidx : (if 0 < (c.push R t).next then (c.push R t).next - 1 - 0 else (c.push R t).next + R - 1 - 0) = c.next := by
        simp only [Ring.push]; split <;> split <;> omega
      rw [hidx]
      simp only [Ring.push, List.getElem?_cons_zero]
      rw [getElem!_set!_eq _ _ _ (by omega)]
    | succ i =>
      have hi' : i < l.length - 1 := by omega
      have hidx : (if i + 1 < (c.push R t).next then (c.push R t).next - 1 - (i + 1) else (c.push R t).next + R - 1 - (i + 1))
          = (if i < c.next then c.next - 1 - i else c.next + R - 1 - i) := by
        simp only [Ring.push]; split <;> split <;> split <;> omega
      have hdl : l.dropLast[i]? = l[i]? := by
        rw [List.getElem?_dropLast, if_pos hi']
      rw [hidx, List.getElem?_cons_succ, hdl, r.slot i (by omega)]
      simp only [Ring.push]
      rw [getElem!_set!_ne]
      · split <;> omega
      · split <;> omega

theorem ring_step_refines {R τ t : Nat} {c : Ring} {l : List Nat} (r : Rep R c l) :
    (ringStep R τ c t).1 = (logStep R τ l t).1 ∧ Rep R (ringStep R τ c t).2 (logStep R τ l t).2 := by
  have hc := r.count
  by_cases hlt : l.length < R
  · have : c.count < R := by omega
    simp only [ringStep, logStep, if_pos this, if_pos hlt]
    exact ⟨trivial, r.push_fill hlt⟩
  · have hfull : l.length = R := by have := r.le; omega
    have hcn : ¬ c.count < R := by omega
    rcases Nat.eq_zero_or_pos R with rfl | hR
    · have : l = [] := List.length_eq_zero_iff.1 hfull
      subst this
      simp only [ringStep, logStep, if_neg hcn]
      exact ⟨by simp, by simpa using r⟩
    · have hn : c.next < R := by have := r.next; omega
      have hslot := r.slot (R - 1) (by omega)
      have hidx : (if R - 1 < c.next then c.next - 1 - (R - 1) else c.next + R - 1 - (R - 1)) = c.next := by
        split <;> omega
      rw [hidx] at hslot
      have hlast : l.getLast? = some c.buf[c.next]! := by
        rw [List.getLast?_eq_getElem?, hfull]; exact hslot
      simp only [ringStep, logStep, if_neg hcn, if_neg hlt, hlast]
      by_cases hold : c.buf[c.next]! + τ ≤ t
      · rw [if_pos ⟨hR, hold⟩, if_pos hold]
        exact ⟨rfl, r.push_full hR hfull⟩
      · rw [if_neg (fun h => hold h.2), if_neg hold]
        exact ⟨rfl, r⟩

/-- The ring buffer decides exactly as the log that it represents, on every trace. -/
theorem ring_refines_log {R τ : Nat} (ts : List Nat) :
    ∀ (c : Ring) (l : List Nat), Rep R c l →
      (run (ringStep R τ) c ts).1 = (run (logStep R τ) l ts).1 := by
  induction ts with
  | nil => intro _ _ _; rfl
  | cons t ts ih =>
    intro c l r
    obtain ⟨h1, h2⟩ := ring_step_refines (τ := τ) (t := t) r
    have := ih _ _ h2
    simp only [run]
    rw [h1, this]

/-- From an empty limiter, the ring buffer decides exactly as the definition, on every trace of times that do not go
back. -/
theorem ring_refines_spec (R τ : Nat) (ts : List Nat) (mono : ts.Pairwise (· ≤ ·)) :
    (run (ringStep R τ) (Ring.empty R) ts).1 = (run (specStep R τ) [] ts).1 := by
  rw [ring_refines_log ts _ _ (Rep.empty R)]
  have := log_refines_spec (R := R) (τ := τ) ts 0 [] (.nil 0)
    (List.pairwise_cons.2 ⟨fun _ _ => Nat.zero_le _, mono⟩)
  simpa using this

end Limiter
