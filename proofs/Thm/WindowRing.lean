import Model.StampRing
import Thm.WindowCost
/-!
# The shipped ring decides as the definition
-/

namespace Window

open Limiter (live)

namespace StampRing

structure Valid (c : StampRing) : Prop where
  next : c.next < c.times.size
  count : c.count ≤ c.times.size

theorem slot {next size n : Nat} (hn : next < size) (h1 : 1 ≤ n) (h2 : n ≤ size) :
    (next + size - n) % size = if n ≤ next then next - n else next + size - n := by
  split
  · rw [show next + size - n = next - n + size by omega, Nat.add_mod_right, Nat.mod_eq_of_lt (by omega)]
  · exact Nat.mod_eq_of_lt (by omega)

theorem stamps_length (c : StampRing) : c.stamps.length = c.count := by simp [stamps]

theorem stamps_get {c : StampRing} {i : Nat} (h : i < c.count) : c.stamps[i]? = some (c.latest (i + 1)) := by
  simp [stamps, h]

theorem stamps_mem {c : StampRing} {n : Nat} (h1 : 1 ≤ n) (h2 : n ≤ c.count) : c.latest n ∈ c.stamps := by
  simp only [stamps, List.mem_map, List.mem_range]
  exact ⟨n - 1, by omega, by congr 1; omega⟩

theorem get_set_eq (b : Array Nat) (i v : Nat) (hi : i < b.size) : (b.set! i v)[i]! = v := by
  rw [getElem!_pos (b.set! i v) i (by simpa using hi)]
  simp

theorem get_set_ne (b : Array Nat) (i j v : Nat) (hne : i ≠ j) (hj : j < b.size) : (b.set! i v)[j]! = b[j]! := by
  rw [getElem!_pos (b.set! i v) j (by simpa using hj), getElem!_pos b j hj]
  simp only [Array.set!_eq_setIfInBounds]
  exact Array.getElem_setIfInBounds_ne hj hne

theorem stamps_pushOne {c : StampRing} (hv : c.Valid) (hc : c.count < c.times.size) (x : Nat) :
    (c.pushOne x).stamps = x :: c.stamps ∧ (c.pushOne x).Valid := by
  have hn := hv.next
  have hsize : (c.pushOne x).times.size = c.times.size := by simp [pushOne]
  have hlt : (c.next + 1) % c.times.size < c.times.size := Nat.mod_lt _ (by omega)
  refine ⟨?_, ⟨by rw [hsize]; exact hlt, by rw [hsize]; exact hc⟩⟩
  have hidx : ∀ n, 1 ≤ n → n ≤ c.count + 1 → ((c.next + 1) % c.times.size + c.times.size - n) % c.times.size =
      (c.next + c.times.size - (n - 1)) % c.times.size := by
    intro n h1 h2
    rw [Nat.add_sub_assoc (Nat.le_trans h2 hc), Nat.mod_add_mod]
    congr 1
    omega
  have hget : ∀ n, 1 ≤ n → n ≤ c.count + 1 → (c.pushOne x).latest n = if n = 1 then x else c.latest (n - 1) := by
    intro n h1 h2
    unfold latest
    rw [hsize]
    show (c.times.set! c.next x)[((c.next + 1) % c.times.size + c.times.size - n) % c.times.size]! = _
    rw [hidx n h1 h2]
    by_cases e1 : n = 1
    · rw [if_pos e1, e1, Nat.sub_self, Nat.sub_zero, Nat.add_mod_right, Nat.mod_eq_of_lt hn]
      exact get_set_eq _ _ _ hn
    · rw [if_neg e1]
      refine get_set_ne _ _ _ _ ?_ (Nat.mod_lt _ (by omega))
      rw [slot hn (by omega) (by omega)]
      split <;> omega
  show (List.range (c.count + 1)).map (fun i => (c.pushOne x).latest (i + 1)) = x :: (List.range c.count).map _
  rw [List.range_succ_eq_map, List.map_cons, List.map_map]
  congr 1
  · rw [hget 1 (by omega) (by omega), if_pos rfl]
  · apply List.map_congr_left
    intro i hi
    have := List.mem_range.1 hi
    simp only [Function.comp_apply]
    rw [hget (i.succ + 1) (by omega) (by omega), if_neg (by omega)]
    rfl

theorem stamps_pushMany {c : StampRing} (hv : c.Valid) (n : Nat) (hc : c.count + n ≤ c.times.size) (x : Nat) :
    (c.pushMany x n).stamps = List.replicate n x ++ c.stamps ∧ (c.pushMany x n).Valid ∧
      (c.pushMany x n).times.size = c.times.size ∧ (c.pushMany x n).count = c.count + n := by
  induction n with
  | zero => exact ⟨rfl, hv, rfl, rfl⟩
  | succ n ih =>
    obtain ⟨h1, h2, h3, h4⟩ := ih (by omega)
    obtain ⟨h5, h6⟩ := stamps_pushOne h2 (by omega) x
    refine ⟨?_, h6, ?_, ?_⟩
    · show ((c.pushMany x n).pushOne x).stamps = _
      rw [h5, h1]
      rfl
    · show ((c.pushMany x n).times.set! _ x).size = _
      simpa using h3
    · show (c.pushMany x n).count + 1 = _
      omega

theorem stamps_grow {c : StampRing} {size : Nat} (hs : c.count < size) : (c.grow size).stamps = c.stamps ∧ (c.grow size).Valid ∧
    (c.grow size).times.size = size := by
  have hsize : (c.grow size).times.size = size := by simp [grow]
  refine ⟨?_, ⟨by rw [hsize]; exact hs, by rw [hsize]; exact Nat.le_of_lt hs⟩, hsize⟩
  show (List.range c.count).map _ = (List.range c.count).map _
  apply List.map_congr_left
  intro i hi
  have hi := List.mem_range.1 hi
  unfold latest
  rw [hsize]
  show (c.grow size).times[(c.count + size - (i + 1)) % size]! = c.latest (i + 1)
  rw [slot hs (by omega) (by omega), if_pos (by omega)]
  rw [getElem!_pos _ _ (by rw [hsize]; omega)]
  simp only [grow, List.getElem_toArray, List.getElem_map, List.getElem_range]
  rw [if_pos (by omega)]
  congr 1
  omega

/-- **Pushing adds stamps and changes none**, also where the ring has to grow. -/
theorem stamps_push {c : StampRing} (hv : c.Valid) {time copies : Nat} (hle : ∀ x ∈ c.stamps, x ≤ time) :
    (c.push time copies).stamps = List.replicate copies time ++ c.stamps ∧ (c.push time copies).Valid := by
  have hstamp : (if 0 < c.count then max time (c.latest 1) else time) = time := by
    split
    · have := hle _ (stamps_mem (Nat.le_refl 1) ‹_›)
      omega
    · rfl
  unfold push
  simp only [hstamp]
  split
  · have ⟨h1, h2, h3⟩ := stamps_grow (c := c) (size := 2 * (c.count + copies)) (by have := hv.count; omega)
    have := stamps_pushMany h2 copies (by rw [h3]; show c.count + copies ≤ _; omega) time
    rw [h1] at this
    exact ⟨this.1, this.2.1⟩
  · have := stamps_pushMany hv copies (by omega) time
    exact ⟨this.1, this.2.1⟩

theorem kept_le (c : StampRing) (window now n : Nat) : c.kept window now n ≤ n := by
  induction n with
  | zero => exact Nat.le_refl _
  | succ n ih => unfold kept; split <;> omega

/-- **Dropping leaves exactly what is in the window.** -/
theorem stamps_dropOld {c : StampRing} (hs : c.stamps.Pairwise fun a b => b ≤ a) (window now : Nat) :
    (c.dropOld window now).stamps = popOld window now c.stamps := by
  have key : ∀ n, (∀ i j, i ≤ j → j < n → c.latest (j + 1) ≤ c.latest (i + 1)) →
      (List.range (c.kept window now n)).map (fun i => c.latest (i + 1)) =
        popOld window now ((List.range n).map fun i => c.latest (i + 1)) := by
    intro n
    induction n with
    | zero => intro _; rfl
    | succ n ih =>
      intro hm
      unfold kept
      split
      · rename_i ho
        rw [ih fun i j h1 h2 => hm i j h1 (by omega)]
        simp [popOld, List.range_succ, Nat.not_lt.2 ho]
      · rename_i ho
        unfold popOld
        rw [List.filter_eq_self.2]
        intro x hx
        obtain ⟨i, hi, rfl⟩ := List.mem_map.1 hx
        have := hm i n (by have := List.mem_range.1 hi; omega) (by omega)
        simp
        omega
  refine key c.count fun i j hij hj => ?_
  rcases Nat.eq_or_lt_of_le hij with rfl | hlt
  · exact Nat.le_refl _
  · have := List.pairwise_iff_getElem.1 hs i j (by rw [stamps_length]; omega) (by rw [stamps_length]; omega) hlt
    simpa [stamps] using this

theorem search_eq {c : StampRing} {window now : Nat} (hs : c.stamps.Pairwise fun a b => b ≤ a) (hle : ∀ x ∈ c.stamps, x ≤ now)
    (fuel : Nat) {low high : Nat} (h1 : low ≤ live window now c.stamps) (h2 : live window now c.stamps ≤ high)
    (hh : high ≤ c.count) (hf : high - low ≤ fuel) : c.search window now fuel low high = live window now c.stamps := by
  induction fuel generalizing low high with
  | zero => unfold search; omega
  | succ fuel ih =>
    unfold search
    split
    · have hm : low < (low + high + 1) / 2 ∧ (low + high + 1) / 2 ≤ high := by omega
      generalize (low + high + 1) / 2 = middle at hm
      obtain ⟨hm1, hm2⟩ := hm
      have h0 : 1 ≤ middle := Nat.lt_of_le_of_lt (Nat.zero_le low) hm1
      have key := live_le_iff (τ := window) hs hle (middle - 1)
      rw [stamps_get (Nat.lt_of_lt_of_le (Nat.sub_lt h0 Nat.zero_lt_one) (Nat.le_trans hm2 hh)), Nat.sub_add_cancel h0] at key
      simp only
      split
      · rename_i hin
        refine ih ?_ h2 hh (by omega)
        refine Nat.le_of_pred_lt (Nat.lt_of_not_le fun h => ?_)
        exact Nat.not_le.2 hin (key.1 h _ rfl)
      · rename_i hin
        refine ih h1 ?_ (Nat.le_trans (Nat.sub_le ..) (Nat.le_trans hm2 hh)) (by omega)
        exact key.2 fun o ho => by cases ho; exact Nat.not_lt.1 hin
    · exact Nat.le_antisymm h1 (Nat.le_trans h2 (Nat.not_lt.1 ‹_›))

/-- **Halving counts right**: what is found is the number of stamps in the window. -/
theorem countAfter_eq {c : StampRing} {window now : Nat} (hs : c.stamps.Pairwise fun a b => b ≤ a)
    (hle : ∀ x ∈ c.stamps, x ≤ now) : c.countAfter window now = live window now c.stamps := by
  have h : live window now c.stamps ≤ c.count := by
    rw [← stamps_length c]
    exact List.countP_le_length
  exact search_eq hs hle _ (Nat.zero_le _) h (Nat.le_refl _) (by omega)

theorem decide_refines {longest R τ now : Nat} (rs : List Request) {c : StampRing} (hv : c.Valid)
    (hs : c.stamps.Pairwise fun a b => b ≤ a) (hle : ∀ x ∈ c.stamps, x ≤ now) (hf : Forward now rs) :
    (run (decide longest R τ) c rs).1 = (run (stampsStep (popOld longest) (fun _ l => l) R τ) c.stamps rs).1 := by
  induction rs generalizing now c with
  | nil => rfl
  | cons r rs ih =>
    obtain ⟨hr, hf⟩ := hf
    have hd := stamps_dropOld hs longest r.time
    have hv' : (c.dropOld longest r.time).Valid := ⟨hv.next, Nat.le_trans (kept_le ..) hv.count⟩
    have hsub : (popOld longest r.time c.stamps).Sublist c.stamps := List.filter_sublist
    have hs' : (c.dropOld longest r.time).stamps.Pairwise fun a b => b ≤ a := hd ▸ hs.sublist hsub
    have hle' : ∀ x ∈ (c.dropOld longest r.time).stamps, x ≤ r.time := fun x hx =>
      Nat.le_trans (hle x (hsub.mem (hd ▸ hx))) hr
    have hcount := countAfter_eq (window := τ) hs' hle'
    have hadm := admits_eq (R := R) (τ := τ) (r := r) hs' hle'
    simp only [run, decide, stampsStep, hcount, ← hd, hadm]
    by_cases hroom : live τ r.time (c.dropOld longest r.time).stamps + r.cost ≤ R
    · obtain ⟨hp, hvp⟩ := stamps_push hv' (copies := r.cost) hle'
      simp only [hroom, decide_true, if_true]
      congr 1
      rw [← hp]
      refine ih (now := r.time) hvp ?_ ?_ hf
      · rw [hp]
        refine List.pairwise_append.2 ⟨List.pairwise_replicate.2 (Or.inr (Nat.le_refl _)), hs', ?_⟩
        intro a ha b hb
        rw [(List.mem_replicate.1 ha).2]
        exact hle' b hb
      · rw [hp]
        intro x hx
        rcases List.mem_append.1 hx with hx | hx
        · exact Nat.le_of_eq (List.mem_replicate.1 hx).2
        · exact hle' x hx
    · simp only [hroom, decide_false, if_false, Bool.false_eq_true]
      congr 1
      exact ih (now := r.time) hv' hs' hle' hf

/-- **The shipped ring decides as the definition of the window**, on every run of requests in time: with stamps dropped by
the longest window, the window counted by halving, and a ring that grows. -/
theorem ring_refines (longest R τ : Nat) (hτ : τ ≤ longest) (rs : List Request) (hf : Forward 0 rs) :
    (run (decide longest R τ) {} rs).1 = (run (step R τ) [] rs).1 := by
  rw [decide_refines (now := 0) rs ⟨by decide, by decide⟩ .nil (by simp [stamps]) hf]
  exact embedded_refines R τ longest hτ rs hf

/-! ## Witnesses -/

private def requests : List Request := [⟨1, 2⟩, ⟨4, 2⟩, ⟨4, 3⟩, ⟨11, 2⟩]
example : Forward 0 requests := by simp [requests, Forward]
/-- The last of these makes the ring grow. -/
example : (run (decide 20 5 10) {} requests).1 = [true, true, false, true] := by decide
/-- Stamps that are dropped by a window shorter than the one that is counted are missing. -/
example : (run (decide 5 1 10) {} [⟨4, 1⟩, ⟨11, 1⟩]).1 = [true, true] ∧
    (run (step 1 10) [] [⟨4, 1⟩, ⟨11, 1⟩]).1 = [true, false] := by decide

end StampRing

end Window
