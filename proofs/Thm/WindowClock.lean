import Thm.WindowCost
/-!
# Clocks

A clock that is kept from going back; how wrong it may be; times that are all moved together.
-/

namespace Window

open Limiter (live)

/-! ## The forward clock -/

theorem read_last {m : Nat} {c : Clock} {r : Nat} : (c.read m r).2.last = (c.read m r).1 ∧ c.last ≤ (c.read m r).1 := by
  unfold Clock.read
  simp only
  split
  · exact ⟨rfl, ‹_›⟩
  · split <;> exact ⟨rfl, Nat.le_refl _⟩

/-- **The forward clock does not go back**, whatever the readings of the one below it. -/
theorem readAll_forward (m : Nat) (readings : List Nat) (c : Clock) :
    (c.last :: c.readAll m readings).Pairwise (· ≤ ·) := by
  induction readings generalizing c with
  | nil => simp [Clock.readAll]
  | cons r rs ih =>
    have ⟨h1, h2⟩ := read_last (m := m) (c := c) (r := r)
    have := ih (c.read m r).2
    rw [h1] at this
    refine List.pairwise_cons.2 ⟨?_, this⟩
    intro x hx
    rcases List.mem_cons.1 hx with rfl | hx
    · exact h2
    · exact Nat.le_trans h2 ((List.pairwise_cons.1 this).1 x hx)

theorem forward_of_pairwise {now : Nat} {ts : List Nat} (h : (now :: ts).Pairwise (· ≤ ·)) (costs : List Nat) :
    Forward now (List.zipWith (fun t c => ⟨t, c⟩) ts costs) := by
  induction ts generalizing now costs with
  | nil => trivial
  | cons t ts ih =>
    obtain ⟨h1, h2⟩ := List.pairwise_cons.1 h
    cases costs with
    | nil => trivial
    | cons c costs => exact ⟨h1 t List.mem_cons_self, ih h2 costs⟩

/-- **Safety in clamped time**: whatever the clock below reads, steps back included, in the times of the forward clock no
trailing window holds more than `R` units. -/
theorem clamped_safe (R τ m : Nat) (readings costs : List Nat) :
    Safe R τ (run (step R τ) [] (List.zipWith (fun t c => ⟨t, c⟩) ((Clock.mk 0 0).readAll m readings) costs)).2 :=
  cost_safe R τ _ (forward_of_pairwise (readAll_forward m readings ⟨0, 0⟩) costs)

/-- A step back is harmless: the clock shows the time that it showed before, as if it had stood still. -/
theorem read_back {m : Nat} {c : Clock} {r : Nat} (h : r + c.offset < c.last) : (c.read m r).1 = c.last := by
  unfold Clock.read
  simp only
  rw [if_neg (by omega)]
  split <;> rfl

/-- A clock that goes on is shown as it is. -/
theorem read_on {m : Nat} {c : Clock} {r : Nat} (h : c.last ≤ r + c.offset) : (c.read m r).1 = r + c.offset := by
  unfold Clock.read
  simp only
  rw [if_pos h]

/-- After a step back by more than the most that is waited out, time goes on at once. -/
theorem read_after_jump {m : Nat} {c : Clock} {r : Nat} (h : r + c.offset + m < c.last) (d : Nat) :
    ((c.read m r).2.read m (r + d)).1 = c.last + d := by
  have e : (c.read m r).2 = ⟨c.last, c.offset + (c.last - (r + c.offset))⟩ := by
    unfold Clock.read
    simp only
    rw [if_neg (by omega), if_pos h]
  rw [e, read_on (by simp only; omega)]
  simp only
  omega

/-- How far readings go forward, without their steps back. -/
def advance : Nat → List Nat → Nat
  | _, [] => 0
  | r, r' :: rs => (r' - r) + advance r' rs

/-- What was read is not ahead of what the clock shows. -/
def Clock.Behind (c : Clock) (r : Nat) : Prop := r + c.offset ≤ c.last

theorem read_behind (m : Nat) (c : Clock) (r : Nat) : (c.read m r).2.Behind r := by
  unfold Clock.read Clock.Behind
  simp only
  split
  · exact Nat.le_refl _
  · split <;> simp only <;> omega

/-- **Ages are never overstated**: the forward clock goes on by no more than the readings of the clock below go forward. -/
theorem read_age {m : Nat} {c : Clock} {r : Nat} (hb : c.Behind r) (rs : List Nat) :
    ∀ x ∈ c.readAll m rs, x ≤ c.last + advance r rs := by
  induction rs generalizing c r with
  | nil => intro x hx; cases hx
  | cons r' rs ih =>
    have h1 : (c.read m r').1 ≤ c.last + (r' - r) := by
      unfold Clock.Behind at hb
      unfold Clock.read
      simp only
      split
      · simp only; omega
      · split <;> simp only <;> omega
    intro x hx
    simp only [advance]
    rcases List.mem_cons.1 hx with rfl | hx
    · omega
    · have := ih (read_behind m c r') x hx
      rw [(read_last (m := m) (c := c) (r := r')).1] at this
      omega

/-! ## How wrong a clock may be -/

/-- **A clock that is wrong by `e`** takes `e` from the window: of admissions with the time that was read and the true time,
of which the first is ahead by at most `e₁` and behind by at most `e₂`, no true window of length `τ − (e₁ + e₂)` holds more
than `R`. -/
theorem safe_true_time {R τ e₁ e₂ : Nat} {h : List (Nat × Nat)} (hs : Safe R τ (h.map Prod.fst))
    (he : ∀ p ∈ h, p.1 ≤ p.2 + e₁ ∧ p.2 ≤ p.1 + e₂) : Safe R (τ - (e₁ + e₂)) (h.map Prod.snd) := by
  intro u
  refine Nat.le_trans ?_ (hs (u + e₁))
  unfold live
  rw [List.countP_map, List.countP_map]
  apply List.countP_mono_left
  intro p hp hw
  obtain ⟨h1, h2⟩ := he p hp
  simp only [Function.comp_apply, Bool.and_eq_true, decide_eq_true_eq] at hw ⊢
  omega

/-! ## Times moved together -/

/-- Stamps that are moved with the clock count as before. -/
theorem live_shift (τ t d : Nat) (h : List Nat) : live τ (t + d) (h.map (· + d)) = live τ t h := by
  unfold live
  rw [List.countP_map]
  congr 1
  funext x
  simp only [Function.comp_apply]
  congr 2 <;> simp <;> omega

/-- **A window that is moved with its clock decides as before**, for every request from then on: what the Redis script does
with stamps that a clock set back would have to wait for. -/
theorem run_shift (R τ d : Nat) (rs : List Request) (h : List Nat) :
    (run (step R τ) (h.map (· + d)) (rs.map fun r => { r with time := r.time + d })).1 = (run (step R τ) h rs).1 := by
  induction rs generalizing h with
  | nil => rfl
  | cons r rs ih =>
    have h1 : (step R τ (h.map (· + d)) { r with time := r.time + d }) =
        ((step R τ h r).1, (step R τ h r).2.map (· + d)) := by
      unfold step
      simp only [live_shift]
      split <;> simp
    simp only [List.map_cons, run, h1, ih]

/-! ## Witnesses -/

example : (Clock.mk 0 0).readAll 100 [1000, 1010, 1005, 1012, 200, 207, 1000] = [1000, 1010, 1010, 1012, 1012, 1019, 1812] := by decide
example : (Clock.mk 1000 0).Behind 1000 ∧ advance 1000 [1010, 1005, 1012] = 17 := by simp [Clock.Behind, advance]
/-- A clock that is not kept from going back lets more through: the window at 5 does not hold the stamps of 9. -/
example : ¬ Safe 2 10 (run (step 2 10) [] [⟨9, 2⟩, ⟨5, 2⟩]).2 := fun h => absurd (h 9) (by decide)
example : let h := [(12, 10), (3, 5)]; Safe 1 9 (h.map Prod.fst) ∧ ¬ Safe 1 9 (h.map Prod.snd) ∧
    ∀ p ∈ h, p.1 ≤ p.2 + 2 ∧ p.2 ≤ p.1 + 2 := by
  refine ⟨fun t => ?_, fun h => absurd (h 10) (by decide), by decide⟩
  simp only [live, List.map_cons, List.map_nil, List.countP_cons, List.countP_nil]
  split <;> split <;> simp_all <;> omega

end Window
