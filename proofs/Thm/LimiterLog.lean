import Thm.LimiterSpec

/-!
# The log of the last `R` admissions decides as the definition
-/

namespace Limiter

theorem log_step_refines {R τ now t : Nat} {h : List Nat} (hh : Hist now h) (hnow : now ≤ t) :
    (logStep R τ (h.take R) t).1 = (specStep R τ h t).1 ∧
    (logStep R τ (h.take R) t).2 = (specStep R τ h t).2.take R := by
  rcases Nat.eq_zero_or_pos R with rfl | hR
  · simp [logStep, specStep]
  have key := live_lt_iff (τ := τ) hR hh hnow
  by_cases hlen : h.length < R
  · -- not yet full: both admit
    have hadm : live τ t h < R := Nat.lt_of_le_of_lt List.countP_le_length hlen
    have htake : h.take R = h := List.take_of_length_le (Nat.le_of_lt hlen)
    have htake' : (t :: h).take R = t :: h := List.take_of_length_le hlen
    simp [logStep, specStep, hadm, htake, htake', hlen]
  · have hlt : R - 1 < h.length := by omega
    have hl : (h.take R).length = R := by rw [List.length_take]; omega
    have hlast : (h.take R).getLast? = some h[R-1] := by
      rw [List.getLast?_eq_getElem?, hl, List.getElem?_take_of_lt (by omega), List.getElem?_eq_getElem hlt]
    have hiff : live τ t h < R ↔ h[R-1] + τ ≤ t := by
      rw [key, List.getElem?_eq_getElem hlt]
      exact ⟨fun f => f _ rfl, fun f o ho => by cases ho; exact f⟩
    have hnl : ¬ (h.take R).length < R := by omega
    by_cases hold : h[R-1] + τ ≤ t
    · have hadm := hiff.2 hold
      have hdrop : t :: (h.take R).dropLast = (t :: h).take R := by
        obtain ⟨r, rfl⟩ : ∃ r, R = r + 1 := ⟨R - 1, by omega⟩
        rw [List.take_succ_cons, List.dropLast_eq_take, hl, List.take_take]
        simp
      simp only [logStep, specStep, if_neg hnl, hlast, if_pos hold, if_pos hadm]
      exact ⟨trivial, hdrop⟩
    · have hadm : ¬ live τ t h < R := fun c => hold (hiff.1 c)
      simp only [logStep, specStep, if_neg hnl, hlast, if_neg hold, if_neg hadm]
      exact ⟨trivial, trivial⟩

theorem specStep_hist {R τ now t : Nat} {h : List Nat} (hh : Hist now h) (hnow : now ≤ t) :
    Hist t (specStep R τ h t).2 := by
  unfold specStep
  split
  · exact .cons (Nat.le_refl t) (hh.mono hnow)
  · exact hh.mono hnow

/-- The log of the last R admissions decides exactly as the definition, on every trace of times that do not go back.
-/
theorem log_refines_spec {R τ : Nat} (ts : List Nat) :
    ∀ (now : Nat) (h : List Nat), Hist now h → (now :: ts).Pairwise (· ≤ ·) →
      (run (logStep R τ) (h.take R) ts).1 = (run (specStep R τ) h ts).1 := by
  induction ts with
  | nil => intro _ _ _ _; rfl
  | cons t ts ih =>
    intro now h hh hp
    have hnt : now ≤ t := (List.pairwise_cons.1 hp).1 t List.mem_cons_self
    have hp' : (t :: ts).Pairwise (· ≤ ·) := (List.pairwise_cons.1 hp).2
    obtain ⟨h1, h2⟩ := log_step_refines (R := R) (τ := τ) hh hnt
    have := ih t (specStep R τ h t).2 (specStep_hist hh hnt) hp'
    simp only [run]
    rw [h1, h2, this]

/-- The log never holds more than R times. -/
theorem log_bounded {R τ : Nat} (l : List Nat) (t : Nat) (hl : l.length ≤ R) :
    (logStep R τ l t).2.length ≤ R := by
  unfold logStep
  split
  · simp only [List.length_cons]; omega
  · split
    · split
      · rename_i o _ _
        have : l ≠ [] := by rintro rfl; simp_all
        have := List.length_pos_iff.2 this
        simp only [List.length_cons, List.length_dropLast]; omega
      · exact hl
    · exact hl

end Limiter
