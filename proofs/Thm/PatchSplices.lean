import Thm.Diff
import Thm.PatchApply
/-!
# Ops are splices

What ops make of a content, their list of splices makes of it too: the two models of a change agree.
-/

namespace Patch

theorem splicesFrom_applies {ops : List Op} {done s t : Bytes} (h : applyOps ops s = some t) :
    Diff.applyAll (splicesFrom done.length ops s) (done ++ s) = some (done ++ t) := by
  induction ops generalizing done s t with
  | nil => cases h; rfl
  | cons op ops ih =>
    obtain ⟨a, b, x, y, rfl, rfl, hx, hy⟩ := applyOps_cons.1 h
    have hc := Op.out_consumes hx
    have hp := Op.out_produces hx
    have hrest := ih (done := done ++ x) hy
    rw [List.length_append, hp] at hrest
    have one : ∀ {old : Bytes}, a = old →
        Diff.applyAll (⟨done.length, old, x⟩ :: splicesFrom (done.length + op.produces) ops b) (done ++ (a ++ b)) =
          some (done ++ (x ++ y)) := by
      rintro _ rfl
      have fits : (⟨done.length, a, x⟩ : Diff.Splice UInt8).Fits (done ++ (a ++ b)) := by
        refine ⟨by simp, ?_⟩
        show ((done ++ (a ++ b)).drop done.length).take a.length = a
        rw [List.drop_left' rfl, List.take_left' rfl]
      have hs : (⟨done.length, a, x⟩ : Diff.Splice UInt8).apply (done ++ (a ++ b)) = some (done ++ x ++ b) := by
        unfold Diff.Splice.apply
        rw [if_pos fits]
        show some ((done ++ (a ++ b)).take done.length ++ x ++ (done ++ (a ++ b)).drop (done.length + a.length)) = _
        rw [List.take_left' rfl, ← List.drop_drop, List.drop_left' rfl, List.drop_left' rfl]
      simp only [Diff.applyAll, hs, Option.bind_some]
      rw [hrest, List.append_assoc]
    unfold splicesFrom
    simp only [List.drop_left' hc]
    cases op <;> simp only [Op.out] at hx <;> split at hx <;> cases hx <;> rename_i ha
    · simpa [List.append_assoc] using hrest
    · exact one ha
    · simp only [List.take_left' ha]
      exact one rfl

/-- **The two models agree**: where ops apply, their splices apply one after the other and give the same content. -/
theorem toSplices_applies {ops : List Op} {s t : Bytes} (h : applyOps ops s = some t) :
    Diff.applyAll (toSplices ops s) s = some t := splicesFrom_applies (done := []) h

/-- The splices of ops are taken back by the splices of the inverted ops, and by their own inverses. -/
theorem toSplices_undo {ops : List Op} {s t : Bytes} (h : applyOps ops s = some t) :
    Diff.applyAll (toSplices (invertOps ops) t) t = some s ∧ Diff.applyAll (Diff.invertAll (toSplices ops s)) t = some s :=
  ⟨toSplices_applies (applyOps_invertOps h), Diff.applyAll_invertAll (toSplices_applies h)⟩

/-- Among the splices of ops, one that removes bytes which do not stand there is refused. -/
theorem toSplices_mismatch {removed inserted s : Bytes} {ops : List Op} (h : s.take removed.length ≠ removed) :
    Diff.applyAll (toSplices (.splice removed inserted :: ops) s) s = none := by
  have : (⟨0, removed, inserted⟩ : Diff.Splice UInt8).apply s = none := Diff.apply_mismatch _ _ (by simpa using h)
  simp [toSplices, splicesFrom, Diff.applyAll, this]

private def sample : List Op := [.copy 1, .splice [2] [7, 8], .xor [1]]
example : toSplices sample [1, 2, 3, 4] = [⟨1, [2], [7, 8]⟩, ⟨3, [3], [2]⟩] := by decide
example : Diff.applyAll (toSplices sample [1, 2, 3, 4]) [1, 2, 3, 4] = applyOps sample [1, 2, 3, 4] := by decide
/-- Places that count in the old content instead of the new one are wrong. -/
example : Diff.applyAll [⟨1, [2], [7, 8]⟩, ⟨2, [3], [2]⟩] ([1, 2, 3, 4] : Bytes) ≠ applyOps sample [1, 2, 3, 4] := by decide

end Patch
