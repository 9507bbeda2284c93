import Model.Patch
/-!
# A patch takes itself back

Apply and invert, alone and in sequence, with and without hashes; what is refused; the law of lengths.
-/

namespace Patch

theorem xorBytes_length {a m : Bytes} (h : a.length = m.length) : (xorBytes a m).length = m.length := by
  simp [xorBytes, h]

/-- **Exclusive or undoes itself**: changing bytes twice with one mask leaves them as they were. -/
theorem xorBytes_twice {a m : Bytes} (h : a.length = m.length) : xorBytes (xorBytes a m) m = a := by
  induction a generalizing m with
  | nil => simp [xorBytes]
  | cons x xs ih =>
    cases m with
    | nil => simp at h
    | cons y ys =>
      have := ih (m := ys) (by simpa using h)
      simp only [xorBytes, List.zipWith_cons_cons] at this ⊢
      rw [this, UInt8.xor_assoc, UInt8.xor_self, UInt8.xor_zero]

theorem Op.out_consumes {op : Op} {a b : Bytes} (h : op.out a = some b) : a.length = op.consumes := by
  cases op <;> simp only [Op.out] at h <;> split at h <;> simp_all [Op.consumes]

theorem Op.out_produces {op : Op} {a b : Bytes} (h : op.out a = some b) : b.length = op.produces := by
  cases op <;> simp only [Op.out] at h <;> split at h <;> cases h <;> simp_all [Op.produces, xorBytes_length]

/-- An op makes something of the first bytes, the rest of the ops of the rest. -/
theorem applyOps_cons {op : Op} {ops : List Op} {s t : Bytes} :
    applyOps (op :: ops) s = some t ↔
      ∃ a b x y, s = a ++ b ∧ t = x ++ y ∧ op.out a = some x ∧ applyOps ops b = some y := by
  constructor
  · intro h
    simp only [applyOps] at h
    split at h
    · cases h
    · rename_i x hx
      obtain ⟨y, hy, rfl⟩ := Option.map_eq_some_iff.1 h
      exact ⟨_, _, x, y, (List.take_append_drop _ s).symm, rfl, hx, hy⟩
  · rintro ⟨a, b, x, y, rfl, rfl, hx, hy⟩
    have hl := Op.out_consumes hx
    simp only [applyOps, List.take_left' hl, List.drop_left' hl, hx, hy, Option.map_some]

theorem Op.out_invert {op : Op} {a b : Bytes} (h : op.out a = some b) : op.invert.out b = some a := by
  cases op <;> simp only [Op.out] at h <;> split at h <;> cases h
  · simp_all [Op.out, Op.invert]
  · simp_all [Op.out, Op.invert]
  · simp_all [Op.out, Op.invert, xorBytes_length, xorBytes_twice]

/-- **Undo.** Whatever ops make of a content, the inverted ops make the old content of it again. -/
theorem applyOps_invertOps {ops : List Op} {s t : Bytes} (h : applyOps ops s = some t) :
    applyOps (invertOps ops) t = some s := by
  induction ops generalizing s t with
  | nil => simpa [applyOps, invertOps] using h.symm
  | cons op ops ih =>
    obtain ⟨a, b, x, y, rfl, rfl, hx, hy⟩ := applyOps_cons.1 h
    exact applyOps_cons.2 ⟨x, y, a, b, rfl, rfl, Op.out_invert hx, ih hy⟩

/-- Taking a change back twice is making it: inverting twice gives the same ops. -/
theorem invertOps_invertOps (ops : List Op) : invertOps (invertOps ops) = ops := by
  have : (Op.invert ∘ Op.invert : Op → Op) = id := funext fun op => by cases op <;> rfl
  simp [invertOps, this]

/-- Ops that change bytes by exclusive or take themselves back, without being inverted. -/
theorem applyOps_xor_twice {mask s t : Bytes} (h : applyOps [.xor mask] s = some t) :
    applyOps [.xor mask] t = some s := applyOps_invertOps h

/-- **Another base is refused.** Where other bytes stand than a splice removes, nothing is applied. -/
theorem applyOps_mismatch {before rest : List Op} {removed inserted a x b : Bytes} (ha : applyOps before a = some x)
    (hlen : a.length = consumed before) (hb : b.take removed.length ≠ removed) :
    applyOps (before ++ .splice removed inserted :: rest) (a ++ b) = none := by
  induction before generalizing a x with
  | nil =>
    have : a = [] := List.length_eq_zero_iff.1 (by simpa [consumed] using hlen)
    subst this
    simp [applyOps, Op.out, Op.consumes, hb]
  | cons op ops ih =>
    obtain ⟨a₁, a₂, x₁, x₂, rfl, rfl, hx, hy⟩ := applyOps_cons.1 ha
    have hc := Op.out_consumes hx
    have hr := ih hy (by simp only [List.length_append, consumed, List.map_cons, List.sum_cons] at hlen ⊢; omega)
    simp only [List.cons_append, List.append_assoc, applyOps, List.take_left' hc, List.drop_left' hc, hx, hr, Option.map_none]

/-- A content that ends before the ops do is refused. -/
theorem applyOps_too_short {ops : List Op} {s : Bytes} (h : s.length < consumed ops) : applyOps ops s = none := by
  cases ht : applyOps ops s with
  | none => rfl
  | some t =>
    exfalso
    induction ops generalizing s t with
    | nil => simp [consumed] at h
    | cons op ops ih =>
      obtain ⟨a, b, x, y, rfl, rfl, hx, hy⟩ := applyOps_cons.1 ht
      have := Op.out_consumes hx
      exact ih (s := b) (t := y) (by simp only [consumed, List.map_cons, List.sum_cons, List.length_append] at h ⊢; omega) hy

/-- **Lengths add up**: the new length is the old one, less what the ops pass, plus what they leave. -/
theorem applyOps_length {ops : List Op} {s t : Bytes} (h : applyOps ops s = some t) :
    t.length + consumed ops = s.length + produced ops := by
  induction ops generalizing s t with
  | nil => simp_all [applyOps, consumed, produced]
  | cons op ops ih =>
    obtain ⟨a, b, x, y, rfl, rfl, hx, hy⟩ := applyOps_cons.1 h
    have := ih hy
    have := Op.out_consumes hx
    have := Op.out_produces hx
    simp only [consumed, produced, List.map_cons, List.sum_cons, List.length_append] at *
    omega

/-! ## With hashes -/

variable {H : Type} [DecidableEq H] {hash : Bytes → H}

theorem applyPatch_ok {p : Patch H} {s t : Bytes} : applyPatch hash p s = .ok t ↔
    contentId hash s = p.source ∧ applyOps p.ops s = some t ∧ contentId hash t = p.target := by
  unfold applyPatch
  by_cases hs : contentId hash s = p.source <;> simp only [hs, ne_eq, not_true_eq_false, not_false_eq_true, if_true, if_false,
    true_and, false_and, reduceCtorEq]
  cases applyOps p.ops s with
  | none => simp
  | some u =>
    by_cases hu : contentId hash u = p.target <;> simp [hu]
    all_goals intro e; subst e; exact hu

/-- **Undo, with hashes.** A patch that was applied is taken back by its inverse, which finds the content that it is for. -/
theorem applyPatch_invert {p : Patch H} {s t : Bytes} (h : applyPatch hash p s = .ok t) :
    applyPatch hash (invert p) t = .ok s := by
  obtain ⟨h1, h2, h3⟩ := applyPatch_ok.1 h
  exact applyPatch_ok.2 ⟨h3, applyOps_invertOps h2, h1⟩

omit [DecidableEq H] in
/-- Inverting a patch twice gives the same patch. -/
theorem invert_invert (p : Patch H) : invert (invert p) = p := by
  simp [invert, invertOps_invertOps]

/-- **Wrong base.** A content with another hash or another length than the patch says is refused as such. -/
theorem applyPatch_wrongBase {p : Patch H} {s : Bytes} (h : hash s ≠ p.source.sha256 ∨ s.length ≠ p.source.bytes) :
    applyPatch hash p s = .error .wrongBase := by
  have : contentId hash s ≠ p.source := fun e => by rw [← e] at h; simp [contentId] at h
  simp [applyPatch, this]

/-- What a patch leads to has the hash and the length that it says. -/
theorem applyPatch_target {p : Patch H} {s t : Bytes} (h : applyPatch hash p s = .ok t) :
    hash t = p.target.sha256 ∧ t.length = p.target.bytes := by
  rw [← (applyPatch_ok.1 h).2.2]; exact ⟨rfl, rfl⟩

theorem applyPatches_append (ps qs : List (Patch H)) {s t u : Bytes} (hp : applyPatches hash ps s = .ok t)
    (hq : applyPatches hash qs t = .ok u) : applyPatches hash (ps ++ qs) s = .ok u := by
  induction ps generalizing s with
  | nil => cases hp; exact hq
  | cons p ps ih =>
    simp only [List.cons_append, applyPatches] at hp ⊢
    split at hp
    · cases hp
    · exact ih hp

/-- **Undo of a sequence.** Patches that were applied one after the other are taken back by their inverses, last to first. -/
theorem applyPatches_invertPatches {ps : List (Patch H)} {s t : Bytes} (h : applyPatches hash ps s = .ok t) :
    applyPatches hash (invertPatches ps) t = .ok s := by
  induction ps generalizing s with
  | nil => cases h; rfl
  | cons p ps ih =>
    simp only [applyPatches] at h
    split at h
    · cases h
    · rename_i u hu
      have e : invertPatches (p :: ps) = invertPatches ps ++ [invert p] := by simp [invertPatches]
      rw [e]
      exact applyPatches_append _ _ (ih h) (by simp [applyPatches, applyPatch_invert hu])

omit [DecidableEq H] in
/-- Taking back that a sequence was taken back is making it again. -/
theorem invertPatches_invertPatches (ps : List (Patch H)) : invertPatches (invertPatches ps) = ps := by
  have : (invert ∘ invert : Patch H → Patch H) = id := funext invert_invert
  simp [invertPatches, List.map_reverse, this]

/-! ## Witnesses: the hypotheses can hold, and a changed definition breaks the statements -/

private def sample : List Op := [.copy 1, .splice [2] [7, 8], .xor [1]]

example : applyOps sample [1, 2, 3, 4] = some [1, 7, 8, 2, 4] := by decide
example : applyOps (invertOps sample) [1, 7, 8, 2, 4] = some [1, 2, 3, 4] := by decide
example : applyOps sample [1, 9, 3, 4] = none := by decide
example : applyOps sample [1, 2] = none := by decide
example : applyOps [.copy 1] [1] = some [1] ∧ ([1] : Bytes).length = consumed [.copy 1] ∧
    ([9, 3] : Bytes).take ([2] : Bytes).length ≠ [2] := by decide
private def samplePatch : Patch Nat := ⟨⟨10, 4⟩, ⟨22, 5⟩, sample⟩
private def sum (s : Bytes) : Nat := (s.map UInt8.toNat).sum
example : applyPatches sum [samplePatch, invert samplePatch] [1, 2, 3, 4] = .ok [1, 2, 3, 4] := by rfl
example : applyPatch sum samplePatch [1, 2, 3, 5] = .error .wrongBase := by rfl
example : applyPatch sum samplePatch [1, 2, 4, 3] = .error .wrongResult := by rfl
/-- An inverse that forgets to change the sides of a splice does not undo. -/
example : applyOps sample [1, 7, 8, 2, 4] ≠ some [1, 2, 3, 4] := by decide
/-- One that reverses the ops does not either: they all walk from the beginning. -/
example : applyOps (invertOps sample).reverse [1, 7, 8, 2, 4] ≠ some [1, 2, 3, 4] := by decide

end Patch
