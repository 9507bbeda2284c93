import Thm.PatchApply
/-!
# Two patches as one

The composition of ops that apply one after the other applies, and gives what both give; normal form keeps the meaning.
-/

namespace Patch

/-! ## Normal form -/

/-- One op that does what two did stands for both. -/
theorem applyOps_pair {o o' j : Op} {ops : List Op}
    (hj : ∀ a x, j.out a = some x ↔
      ∃ a₁ a₂ x₁ x₂, a = a₁ ++ a₂ ∧ x = x₁ ++ x₂ ∧ o.out a₁ = some x₁ ∧ o'.out a₂ = some x₂) (s : Bytes) :
    applyOps (j :: ops) s = applyOps (o :: o' :: ops) s := by
  apply Option.ext
  intro t
  constructor
  · intro h
    obtain ⟨a, b, x, y, rfl, rfl, hx, hy⟩ := applyOps_cons.1 h
    obtain ⟨a₁, a₂, x₁, x₂, rfl, rfl, h1, h2⟩ := (hj _ _).1 hx
    exact applyOps_cons.2 ⟨a₁, a₂ ++ b, x₁, x₂ ++ y, List.append_assoc .., List.append_assoc .., h1,
      applyOps_cons.2 ⟨a₂, b, x₂, y, rfl, rfl, h2, hy⟩⟩
  · intro h
    obtain ⟨a, b, x, y, rfl, rfl, hx, hy⟩ := applyOps_cons.1 h
    obtain ⟨a', b', x', y', rfl, rfl, hx', hy'⟩ := applyOps_cons.1 hy
    exact applyOps_cons.2 ⟨a ++ a', b', x ++ x', y', (List.append_assoc ..).symm, (List.append_assoc ..).symm,
      (hj _ _).2 ⟨a, a', x, x', rfl, rfl, hx, hx'⟩, hy'⟩

theorem xorBytes_append {a m : Bytes} (h : a.length = m.length) (b k : Bytes) :
    xorBytes (a ++ b) (m ++ k) = xorBytes a m ++ xorBytes b k := List.zipWith_append h

theorem xorBytes_assoc (a k m : Bytes) : xorBytes a (xorBytes k m) = xorBytes (xorBytes a k) m := by
  induction a generalizing k m with
  | nil => simp [xorBytes]
  | cons z zs ih =>
    cases k with
    | nil => simp [xorBytes]
    | cons u us =>
      cases m with
      | nil => simp [xorBytes]
      | cons v vs =>
        have := ih us vs
        simp only [xorBytes, List.zipWith_cons_cons] at this ⊢
        rw [this, UInt8.xor_assoc]

theorem out_copy {n : Nat} {a x : Bytes} : Op.out (.copy n) a = some x ↔ a.length = n ∧ x = a := by
  simp [Op.out, eq_comm]

theorem out_splice {r i a x : Bytes} : Op.out (.splice r i) a = some x ↔ a = r ∧ x = i := by
  simp [Op.out, eq_comm]

theorem out_xor {m a x : Bytes} : Op.out (.xor m) a = some x ↔ a.length = m.length ∧ x = xorBytes a m := by
  simp [Op.out, eq_comm]

theorem applyOps_join (op : Op) (ops : List Op) (s : Bytes) : applyOps (op.join ops) s = applyOps (op :: ops) s := by
  unfold Op.join
  split
  · rename_i n m _
    refine applyOps_pair (fun a x => ?_) s
    simp only [out_copy]
    constructor
    · rintro ⟨h, rfl⟩
      exact ⟨x.take n, x.drop n, x.take n, x.drop n, by simp, by simp, ⟨by simp; omega, rfl⟩, by simp; omega, rfl⟩
    · rintro ⟨a₁, a₂, x₁, x₂, rfl, rfl, ⟨rfl, rfl⟩, rfl, rfl⟩
      simp
  · refine applyOps_pair (fun a x => ?_) s
    simp only [out_splice]
    constructor
    · rintro ⟨rfl, rfl⟩
      exact ⟨_, _, _, _, rfl, rfl, ⟨rfl, rfl⟩, rfl, rfl⟩
    · rintro ⟨a₁, a₂, x₁, x₂, rfl, rfl, ⟨rfl, rfl⟩, rfl, rfl⟩
      exact ⟨rfl, rfl⟩
  · rename_i m m' _
    refine applyOps_pair (fun a x => ?_) s
    simp only [out_xor, List.length_append]
    constructor
    · rintro ⟨h, rfl⟩
      have hl : (a.take m.length).length = m.length := by rw [List.length_take]; omega
      refine ⟨a.take m.length, a.drop m.length, _, _, by simp, ?_, ⟨hl, rfl⟩, by simp; omega, rfl⟩
      rw [← xorBytes_append hl, List.take_append_drop]
    · rintro ⟨a₁, a₂, x₁, x₂, rfl, rfl, ⟨h1, rfl⟩, h2, rfl⟩
      simp [xorBytes_append h1, h1, h2]
  · rfl

theorem applyOps_isEmpty {op : Op} (h : op.isEmpty) (ops : List Op) (s : Bytes) :
    applyOps (op :: ops) s = applyOps ops s := by
  cases op <;> simp_all [Op.isEmpty, Op.consumes, Op.produces, applyOps, Op.out, xorBytes]

/-- Joining neighbours changes nothing: the same contents are refused, and of the others the same is made. -/
theorem applyOps_joinNeighbours (ops : List Op) (s : Bytes) : applyOps (joinNeighbours ops) s = applyOps ops s := by
  induction ops generalizing s with
  | nil => rfl
  | cons op ops ih =>
    unfold joinNeighbours
    split
    · rename_i h
      rw [applyOps_isEmpty h, ih]
    · rw [applyOps_join]
      simp only [applyOps, ih]

theorem applyOps_dropLastCopy {ops : List Op} {s t : Bytes} (h : applyOps ops s = some t) :
    applyOps (dropLastCopy ops) s = some t := by
  induction ops generalizing s t with
  | nil => exact h
  | cons op ops ih =>
    obtain ⟨a, b, x, y, rfl, rfl, hx, hy⟩ := applyOps_cons.1 h
    unfold dropLastCopy
    split
    · rename_i e
      cases e
    · rename_i e
      cases e
      simp only [Op.out] at hx
      split at hx <;> cases hx
      cases hy
      rfl
    · rename_i e
      cases e
      exact applyOps_cons.2 ⟨a, b, x, y, rfl, rfl, hx, ih hy⟩

/-- **Normal form keeps the meaning**: where ops apply, normalized ones make the same of it. -/
theorem applyOps_normalize {ops : List Op} {s t : Bytes} (h : applyOps ops s = some t) :
    applyOps (normalize ops) s = some t :=
  applyOps_dropLastCopy (by rw [applyOps_joinNeighbours]; exact h)

theorem applyOps_dropLastCopy_isSome {ops : List Op} {s : Bytes} (hs : consumed ops ≤ s.length)
    (h : (applyOps (dropLastCopy ops) s).isSome) : (applyOps ops s).isSome := by
  induction ops generalizing s with
  | nil => exact h
  | cons op ops ih =>
    unfold dropLastCopy at h
    split at h
    · rename_i e
      cases e
    · rename_i e
      cases e
      simp_all [consumed, Op.consumes, applyOps, Op.out]
    · rename_i e
      cases e
      obtain ⟨t, ht⟩ := Option.isSome_iff_exists.1 h
      obtain ⟨a, b, x, y, rfl, rfl, hx, hy⟩ := applyOps_cons.1 ht
      have := Op.out_consumes hx
      have := ih (s := b) (by simp only [consumed, List.map_cons, List.sum_cons, List.length_append] at hs ⊢; omega)
        (by rw [hy]; rfl)
      obtain ⟨u, hu⟩ := Option.isSome_iff_exists.1 this
      rw [applyOps_cons.2 ⟨a, b, x, u, rfl, rfl, hx, hu⟩]
      rfl

theorem consumed_joinNeighbours (ops : List Op) : consumed (joinNeighbours ops) = consumed ops := by
  induction ops with
  | nil => rfl
  | cons op ops ih =>
    have hj : ∀ ops', consumed (op.join ops') = op.consumes + consumed ops' := by
      intro ops'
      unfold Op.join
      split <;> simp [consumed, Op.consumes, Nat.add_assoc]
    unfold joinNeighbours
    split
    · rename_i h
      simp only [Op.isEmpty, Bool.and_eq_true, beq_iff_eq] at h
      rw [ih]
      simp [consumed, h.1]
    · rw [hj, ih]
      simp [consumed]

/-- Normal form refuses no less, but for contents that end within a copy at the end, which it leaves out. -/
theorem applyOps_normalize_iff {ops : List Op} {s t : Bytes} (hs : consumed ops ≤ s.length) :
    applyOps (normalize ops) s = some t ↔ applyOps ops s = some t := by
  refine ⟨fun h => ?_, applyOps_normalize⟩
  have := applyOps_dropLastCopy_isSome (ops := joinNeighbours ops) (s := s) (by rw [consumed_joinNeighbours]; exact hs)
    (by show (applyOps (normalize ops) s).isSome; rw [h]; rfl)
  rw [applyOps_joinNeighbours] at this
  obtain ⟨u, hu⟩ := Option.isSome_iff_exists.1 this
  rw [applyOps_normalize hu] at h
  rw [hu, h]

/-! ## Pieces -/

/-- Ops that make exactly `b` of exactly `a`, and leave nothing over. -/
inductive Runs : List Op → Bytes → Bytes → Prop
  | nil : Runs [] [] []
  | cons {op ops a b x y} : op.out a = some x → Runs ops b y → Runs (op :: ops) (a ++ b) (x ++ y)

theorem Runs.append {p q : List Op} {a b x y : Bytes} (h : Runs p a x) (hq : applyOps q b = some y) :
    applyOps (p ++ q) (a ++ b) = some (x ++ y) := by
  induction h with
  | nil => exact hq
  | cons hx _ ih => exact applyOps_cons.2 ⟨_, _, _, _, List.append_assoc .., List.append_assoc .., hx, ih⟩

theorem Op.split_out {op : Op} {n : Nat} {a x : Bytes} (h : op.out a = some x) (hn : n ≤ op.produces) :
    ∃ a₁ a₂, a = a₁ ++ a₂ ∧ (op.split n).1.out a₁ = some (x.take n) ∧ (op.split n).2.out a₂ = some (x.drop n) := by
  cases op with
  | copy m =>
    simp only [Op.out, Op.produces] at h hn
    split at h <;> cases h
    exact ⟨a.take n, a.drop n, by simp, by simp [Op.split, Op.out]; omega, by simp [Op.split, Op.out]; omega⟩
  | splice r i =>
    simp only [Op.out] at h
    split at h <;> cases h
    exact ⟨a, [], by simp, by simp_all [Op.split, Op.out], by simp [Op.split, Op.out]⟩
  | xor m =>
    simp only [Op.out, Op.produces] at h hn
    split at h <;> cases h
    refine ⟨a.take n, a.drop n, by simp, ?_, ?_⟩ <;>
      simp [Op.split, Op.out, xorBytes, List.take_zipWith, List.drop_zipWith, *]

/-- Taking `n` bytes of what ops produce splits the content that they apply to. -/
theorem takeOps_runs {ops : List Op} {n : Nat} {s t : Bytes} (h : applyOps ops s = some t) (hn : n ≤ t.length) :
    ∃ a b x y, s = a ++ b ∧ t = x ++ y ∧ x.length = n ∧ Runs (takeOps ops n).1 a x ∧
      applyOps (takeOps ops n).2 b = some y := by
  induction ops generalizing n s t with
  | nil =>
    cases n with
    | zero => exact ⟨[], s, [], t, rfl, rfl, rfl, .nil, h⟩
    | succ n =>
      cases h
      refine ⟨s.take (n + 1), s.drop (n + 1), s.take (n + 1), s.drop (n + 1), by simp, by simp,
        by simp only [List.length_take]; omega, ?_, rfl⟩
      have : Op.out (.copy (n + 1)) (s.take (n + 1)) = some (s.take (n + 1)) := by simp [Op.out]; omega
      have := Runs.cons this .nil
      simpa [takeOps] using this
  | cons op ops ih =>
    cases n with
    | zero => exact ⟨[], s, [], t, rfl, rfl, rfl, .nil, h⟩
    | succ n =>
      obtain ⟨a, b, x, y, rfl, rfl, hx, hy⟩ := applyOps_cons.1 h
      have hp := Op.out_produces hx
      unfold takeOps
      split
      · obtain ⟨a', b', x', y', rfl, rfl, hl, hr, hrest⟩ := ih (n := n + 1 - op.produces) hy (by simp at hn; omega)
        exact ⟨a ++ a', b', x ++ x', y', by simp, by simp, by simp; omega, .cons hx hr, hrest⟩
      · obtain ⟨a₁, a₂, rfl, h1, h2⟩ := Op.split_out (n := n + 1) hx (by omega)
        refine ⟨a₁, a₂ ++ b, x.take (n + 1), x.drop (n + 1) ++ y, by simp, ?_, by simp; omega, ?_, ?_⟩
        · rw [← List.append_assoc, List.take_append_drop]
        · simpa using Runs.cons h1 .nil
        · exact applyOps_cons.2 ⟨_, _, _, _, rfl, rfl, h2, hy⟩

theorem takeAway_runs {p : List Op} {a x : Bytes} (h : Runs p a x) :
    ∃ out, takeAway p x = some out ∧ Runs out a [] := by
  induction h with
  | nil => exact ⟨[], rfl, .nil⟩
  | @cons op ops a b x y hx _ ih =>
    obtain ⟨out, ho, hr⟩ := ih
    have hp := Op.out_produces hx
    have ht : (x ++ y).take op.produces = x := by rw [List.take_left' hp]
    have hd : (x ++ y).drop op.produces = y := by rw [List.drop_left' hp]
    have one : ∀ {r : Bytes}, a = r → Runs (.splice r [] :: out) (a ++ b) [] := fun e =>
      Runs.cons (x := []) (by simp [Op.out, e]) hr
    unfold takeAway
    simp only [ht, hd, ho, Option.map_some]
    cases op <;> simp only [Op.out] at hx <;> split at hx <;> cases hx <;> rename_i ha
    · exact ⟨_, rfl, one rfl⟩
    · simp only [if_true]
      exact ⟨_, rfl, one ha⟩
    · exact ⟨_, rfl, one (xorBytes_twice ha).symm⟩

theorem xorOps_runs {p : List Op} {a x m : Bytes} (h : Runs p a x) (hm : x.length = m.length) :
    Runs (xorOps p m) a (xorBytes x m) := by
  induction h generalizing m with
  | nil => exact .nil
  | @cons op ops a b x y hx _ ih =>
    have hp := Op.out_produces hx
    simp only [List.length_append] at hm
    have hl : x.length = (m.take op.produces).length := by simp; omega
    have hs : xorBytes (x ++ y) m = xorBytes x (m.take op.produces) ++ xorBytes y (m.drop op.produces) := by
      rw [← xorBytes_append hl, List.take_append_drop]
    rw [hs]
    refine .cons ?_ (ih (by simp; omega))
    generalize m.take op.produces = m' at hl
    cases op <;> simp only [Op.out] at hx <;> split at hx <;> cases hx <;> rename_i ha
    · simp [xorOp, Op.out, hl]
    · simp [xorOp, Op.out, ha]
    · rename_i k
      have hk : k.length = m'.length := by rw [← hl, xorBytes_length ha]
      simp [xorOp, Op.out, ha, hk, xorBytes_length, xorBytes_assoc]

/-! ## Composition -/

theorem composeFrom_applies {first second : List Op} {s t u : Bytes} (h1 : applyOps first s = some t)
    (h2 : applyOps second t = some u) : ∃ ops, composeFrom first second = some ops ∧ applyOps ops s = some u := by
  induction second generalizing first s t u with
  | nil => cases h2; exact ⟨first, rfl, h1⟩
  | cons op second ih =>
    obtain ⟨a, b, x, y, rfl, rfl, hx, hy⟩ := applyOps_cons.1 h2
    have hc := Op.out_consumes hx
    obtain ⟨a', b', a'', b'', rfl, e, hl, hr, hrest⟩ := takeOps_runs (n := op.consumes) h1 (by simp; omega)
    obtain ⟨rfl, rfl⟩ := List.append_inj e (by omega)
    obtain ⟨ops, ho, happ⟩ := ih hrest hy
    unfold composeFrom
    simp only [ho, Option.map_some]
    cases op with
    | copy n =>
      simp only [Op.out] at hx
      split at hx <;> cases hx
      exact ⟨_, rfl, hr.append happ⟩
    | xor m =>
      simp only [Op.out] at hx
      split at hx <;> cases hx
      rename_i ha
      exact ⟨_, rfl, (xorOps_runs hr ha).append happ⟩
    | splice r i =>
      simp only [Op.out] at hx
      split at hx <;> cases hx
      rename_i ha
      subst ha
      obtain ⟨out, hout, hruns⟩ := takeAway_runs hr
      simp only [hout]
      refine ⟨_, rfl, ?_⟩
      have : applyOps (.splice [] x :: ops) b' = some (x ++ y) :=
        applyOps_cons.2 ⟨[], b', x, y, rfl, rfl, by simp [Op.out], happ⟩
      simpa using hruns.append this

/-- **Composition.** Of ops that apply one after the other there is a composition, it applies, and gives what both give. -/
theorem composeOps_applies {first second : List Op} {s t u : Bytes} (h1 : applyOps first s = some t)
    (h2 : applyOps second t = some u) : ∃ ops, composeOps first second = some ops ∧ applyOps ops s = some u := by
  obtain ⟨ops, ho, h⟩ := composeFrom_applies h1 h2
  exact ⟨normalize ops, by simp [composeOps, ho], applyOps_normalize h⟩

/-- Where composition is refused, there is no content that both apply to. -/
theorem composeOps_refused {first second : List Op} (h : composeOps first second = none) (s : Bytes) :
    (applyOps first s).bind (applyOps second) = none := by
  cases h1 : applyOps first s with
  | none => rfl
  | some t =>
    cases h2 : applyOps second t with
    | none => exact h2
    | some u =>
      obtain ⟨ops, ho, _⟩ := composeOps_applies h1 h2
      rw [h] at ho
      cases ho

/-- The inverse of a composition undoes both. -/
theorem composeOps_invertOps {first second ops : List Op} {s t u : Bytes} (h1 : applyOps first s = some t)
    (h2 : applyOps second t = some u) (hc : composeOps first second = some ops) : applyOps (invertOps ops) u = some s := by
  obtain ⟨ops', ho, h⟩ := composeOps_applies h1 h2
  rw [hc] at ho
  cases ho
  exact applyOps_invertOps h

/-- **Composition, with hashes.** Two patches that apply one after the other have a composition, which gives what both give. -/
theorem compose_applies {H : Type} [DecidableEq H] {hash : Bytes → H} {p q : Patch H} {s t u : Bytes}
    (h1 : applyPatch hash p s = .ok t) (h2 : applyPatch hash q t = .ok u) :
    ∃ r, compose p q = .ok r ∧ applyPatch hash r s = .ok u := by
  obtain ⟨hs, hp, ht⟩ := applyPatch_ok.1 h1
  obtain ⟨ht', hq, hu⟩ := applyPatch_ok.1 h2
  obtain ⟨ops, ho, h⟩ := composeOps_applies hp hq
  exact ⟨⟨p.source, q.target, ops⟩, by simp [compose, ← ht, ht', ho], applyPatch_ok.2 ⟨hs, h, hu⟩⟩

/-! ## Witnesses -/

private def one : List Op := [.copy 1, .splice [2] [7, 8], .xor [1]]
private def two : List Op := [.splice [1, 7] [], .xor [8], .copy 1, .splice [4] [5]]

example : (applyOps one [1, 2, 3, 4]).bind (applyOps two) = some [0, 2, 5] := by decide
example : composeOps one two = some [.splice [1, 2] [0], .xor [1], .splice [4] [5]] := by decide
example : applyOps [.splice [1, 2] [0], .xor [1], .splice [4] [5]] [1, 2, 3, 4] = some [0, 2, 5] := by decide
example : composeOps [.splice [] [1]] [.splice [2] []] = none := by decide
example : consumed [.copy 3] > 2 ∧ applyOps (normalize [.copy 3]) [1, 2] ≠ applyOps [.copy 3] [1, 2] := by decide
/-- Ops that are merely put one behind the other are no composition. -/
example : applyOps (one ++ two) [1, 2, 3, 4] ≠ some [0, 2, 5] := by decide

end Patch
