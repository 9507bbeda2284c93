import Model.Diff

/-!
# A change that fits applies, and its inverse takes it back
-/

namespace Diff

variable {α : Type} [DecidableEq α]

/-- A change applies if and only if it fits. -/
theorem apply_isSome_iff (d : Splice α) (s : List α) : (d.apply s).isSome ↔ d.Fits s := by
  unfold Splice.apply; split <;> simp_all

/-- A change is refused if and only if it does not fit. -/
theorem apply_eq_none_iff (d : Splice α) (s : List α) : d.apply s = none ↔ ¬ d.Fits s := by
  unfold Splice.apply; split <;> simp_all

/-- A change is refused if the text that it recorded is not what stands at its offset. -/
theorem apply_mismatch (d : Splice α) (s : List α)
    (h : (s.drop d.pos).take d.old.length ≠ d.old) : d.apply s = none :=
  (apply_eq_none_iff d s).2 fun fits => h fits.2

omit [DecidableEq α] in
@[simp] theorem invert_invert (d : Splice α) : d.invert.invert = d := rfl

omit [DecidableEq α] in
/- Splitting a list at a fitting diff: prefix, recorded old text, rest. -/
theorem Splice.Fits.split {d : Splice α} {s : List α} (h : d.Fits s) :
    s = s.take d.pos ++ d.old ++ s.drop (d.pos + d.old.length) := by
  have hd : s.drop d.pos = d.old ++ s.drop (d.pos + d.old.length) := by
    have := List.take_append_drop d.old.length (s.drop d.pos)
    rw [h.2, List.drop_drop] at this
    exact this.symm
  rw [List.append_assoc, ← hd, List.take_append_drop]

/-- Whatever a change did, its inverse takes back exactly. -/
theorem apply_invert {d : Splice α} {s s' : List α} (h : d.apply s = some s') :
    d.invert.apply s' = some s := by
  unfold Splice.apply at h
  split at h
  · rename_i fits
    have hlen : (s.take d.pos).length = d.pos := by
      rw [List.length_take]; exact Nat.min_eq_left fits.1
    have hs' : s' = s.take d.pos ++ (d.new ++ s.drop (d.pos + d.old.length)) := by
      have := Option.some.inj h
      rw [← this, List.append_assoc]
    have hdrop : s'.drop d.pos = d.new ++ s.drop (d.pos + d.old.length) := by
      rw [hs', List.drop_left' hlen]
    have htake : s'.take d.pos = s.take d.pos := by
      rw [hs', List.take_left' hlen]
    have hfit : d.invert.Fits s' := by
      constructor
      · show d.pos ≤ s'.length
        rw [hs', List.length_append, hlen]; omega
      · show (s'.drop d.pos).take d.new.length = d.new
        rw [hdrop, List.take_left' rfl]
    have hrest : s'.drop (d.pos + d.new.length) = s.drop (d.pos + d.old.length) := by
      rw [← List.drop_drop, hdrop, List.drop_left' rfl]
    unfold Splice.apply
    rw [if_pos hfit]
    show some (s'.take d.pos ++ d.old ++ s'.drop (d.pos + d.new.length)) = some s
    rw [htake, hrest, ← fits.split]
  · cases h

/-- A change that fits, followed by its inverse, leaves the text as it was. -/
theorem apply_then_invert (d : Splice α) (s : List α) (h : d.Fits s) :
    (d.apply s).bind d.invert.apply = some s := by
  have := (apply_isSome_iff d s).2 h
  obtain ⟨s', hs'⟩ := Option.isSome_iff_exists.1 this
  rw [hs']; exact apply_invert hs'

/-- Applying two sequences one after the other is applying their concatenation. -/
theorem applyAll_append (ds es : List (Splice α)) (s : List α) :
    applyAll (ds ++ es) s = (applyAll ds s).bind (applyAll es) := by
  induction ds generalizing s with
  | nil => rfl
  | cons d ds ih =>
    show (d.apply s).bind (applyAll (ds ++ es)) = ((d.apply s).bind (applyAll ds)).bind (applyAll es)
    cases d.apply s with
    | none => rfl
    | some t => exact ih t

/-- Whatever a sequence of changes did, the inverted sequence takes back exactly. -/
theorem applyAll_invertAll {ds : List (Splice α)} {s s' : List α} (h : applyAll ds s = some s') :
    applyAll (invertAll ds) s' = some s := by
  induction ds generalizing s with
  | nil => simpa [applyAll, invertAll] using h.symm
  | cons d ds ih =>
    have h' : (d.apply s).bind (applyAll ds) = some s' := h
    obtain ⟨t, ht, hrest⟩ := Option.bind_eq_some_iff.1 h'
    have : invertAll (d :: ds) = invertAll ds ++ [d.invert] := by simp [invertAll]
    rw [this, applyAll_append, ih hrest]
    show applyAll [d.invert] t = some s
    simp [applyAll, apply_invert ht]

omit [DecidableEq α] in
/-- Inverting a sequence of changes twice gives the sequence itself. -/
theorem invertAll_invertAll (ds : List (Splice α)) : invertAll (invertAll ds) = ds := by
  unfold invertAll
  rw [List.map_reverse, List.reverse_reverse, List.map_map]
  have : (Splice.invert ∘ Splice.invert : Splice α → Splice α) = id := funext fun _ => rfl
  rw [this, List.map_id]

/-- After a change the length is the old one, less what was removed, plus what was added. -/
theorem apply_length {d : Splice α} {s s' : List α} (h : d.apply s = some s') :
    s'.length + d.old.length = s.length + d.new.length := by
  unfold Splice.apply at h
  split at h
  · rename_i fits
    have := congrArg List.length fits.split
    rw [← Option.some.inj h]
    simp only [List.length_append] at this ⊢
    omega
  · cases h

example : (replace 1 ['b'] ['x', 'y']).apply ['a', 'b', 'c'] = some ['a', 'x', 'y', 'c'] := by decide
example : (replace 1 ['z'] ['x', 'y']).apply ['a', 'b', 'c'] = none := by decide

end Diff
