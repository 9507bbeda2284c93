import Model.PatchTranscript
import Thm.Piece
/-!
# What a confirmed transcript means
-/

namespace Transcript

theorem checkFrom_append {i : Nat} {s t : Bytes} {steps more : List (List (Diff.Splice UInt8))}
    (h : checkFrom i s steps = .confirmed t) : checkFrom i s (steps ++ more) = checkFrom (i + steps.length) t more := by
  induction steps generalizing i s with
  | nil => cases h; rfl
  | cons step steps ih =>
    simp only [List.cons_append, checkFrom] at h ⊢
    split at h
    · cases h
    · simp only [ih h, List.length_cons]
      congr 1
      omega

theorem checkFrom_confirmed_any {i : Nat} (j : Nat) {s t : Bytes} {steps : List (List (Diff.Splice UInt8))}
    (h : checkFrom i s steps = .confirmed t) : checkFrom j s steps = .confirmed t := by
  induction steps generalizing i j s with
  | nil => exact h
  | cons step steps ih =>
    simp only [checkFrom] at h ⊢
    split at h
    · cases h
    · exact ih (j + 1) h

/-- **Confirmed means undoable**: the steps of a confirmed transcript, each inverted and last to first, are confirmed too
and lead back to the content in the beginning. -/
theorem check_undo {s t : Bytes} {steps : List (List (Diff.Splice UInt8))} (h : check s steps = .confirmed t) :
    check t (undo steps) = .confirmed s := by
  have key : ∀ {i s t}, checkFrom i s steps = .confirmed t → check t (undo steps) = .confirmed s := by
    clear h
    induction steps with
    | nil => intro i s t h; cases h; rfl
    | cons step steps ih =>
      intro i s t h
      simp only [checkFrom] at h
      split at h
      · cases h
      · rename_i u hu
        have e : undo (step :: steps) = undo steps ++ [Diff.invertAll step] := by simp [undo]
        have := checkFrom_append (more := [Diff.invertAll step]) (ih h)
        rw [e, check, this]
        simp [checkFrom, Diff.applyAll_invertAll hu]
  exact key h

/-- A confirmed transcript is one sequence of splices, and its inverse gives the content in the beginning. -/
theorem check_flatten {s t : Bytes} {steps : List (List (Diff.Splice UInt8))} (h : check s steps = .confirmed t) :
    Diff.applyAll steps.flatten s = some t ∧ Diff.applyAll (Diff.invertAll steps.flatten) t = some s := by
  have key : ∀ {i s t}, checkFrom i s steps = .confirmed t → Diff.applyAll steps.flatten s = some t := by
    clear h
    induction steps with
    | nil => intro i s t h; cases h; rfl
    | cons step steps ih =>
      intro i s t h
      simp only [checkFrom] at h
      split at h
      · cases h
      · rename_i u hu
        rw [List.flatten_cons, Diff.applyAll_append, hu]
        exact ih h
  exact ⟨key h, Diff.applyAll_invertAll (key h)⟩

/-- **The first divergence**: the steps before the one that is named are confirmed, and that one does not apply to what
they lead to. -/
theorem check_diverged {s : Bytes} {steps : List (List (Diff.Splice UInt8))} {n : Nat} (h : check s steps = .diverged n) :
    ∃ t step, steps[n]? = some step ∧ check s (steps.take n) = .confirmed t ∧ Diff.applyAll step t = none := by
  have key : ∀ {i s}, checkFrom i s steps = .diverged n → ∃ k t step, n = i + k ∧ steps[k]? = some step ∧
      check s (steps.take k) = .confirmed t ∧ Diff.applyAll step t = none := by
    clear h
    induction steps with
    | nil => intro i s h; cases h
    | cons step steps ih =>
      intro i s h
      simp only [checkFrom] at h
      split at h
      · rename_i hu
        cases h
        exact ⟨0, s, step, rfl, rfl, rfl, hu⟩
      · rename_i u hu
        obtain ⟨k, t, step', rfl, hk, hc, hn⟩ := ih h
        refine ⟨k + 1, t, step', by omega, by simpa using hk, ?_, hn⟩
        simp only [List.take_succ_cons, check, checkFrom, hu]
        exact checkFrom_confirmed_any 1 hc
  obtain ⟨k, t, step, hk, h1, h2, h3⟩ := key h
  rw [Nat.zero_add] at hk
  subst hk
  exact ⟨t, step, h1, h2, h3⟩

/-- **Pieces give the same verdict**: with contents in pieces a transcript is confirmed, or diverges at a step, exactly
when it does with bytes, and the last content is the same. -/
theorem checkPieces_refines (content : ByteArray) (steps : List (List Piece.Splice)) :
    (checkPieces content steps).map Piece.toBytes =
      check content.data.toList (steps.map fun step => step.map Piece.Splice.toDiff) := by
  have key : ∀ (i : Nat) (t : List Piece.Part), (checkPiecesFrom i t steps).map Piece.toBytes =
      checkFrom i (Piece.toBytes t) (steps.map fun step => step.map Piece.Splice.toDiff) := by
    induction steps with
    | nil => intro i t; rfl
    | cons step steps ih =>
      intro i t
      have h := Piece.applyAll_refines step t
      simp only [checkPiecesFrom, List.map_cons, checkFrom]
      rw [← h]
      cases Piece.applyAll step t with
      | none => rfl
      | some u => exact ih (i + 1) u
  rw [checkPieces, key, Piece.toBytes_ofBytes, check]

/-! ## Versions -/

/-- What a history, newest first, has to be for the versions that made it after its `n` first contents. -/
theorem checkVersionsFrom_confirmed {vs : List Version} {s : Bytes} {history all : List Bytes}
    (h : checkVersionsFrom s history vs = .confirmed all) :
    ∃ new, all = new ++ s :: history ∧ new.length = vs.length ∧ ∀ i v, vs[i]? = some v →
      ∃ old t, all.reverse[history.length + i]? = some old ∧ all.reverse[history.length + i + 1]? = some t ∧
        Diff.applyAll v.splices old = some t ∧
        ∀ n, v.restores = some n → 0 < n ∧ all.reverse[n - 1]? = some t := by
  induction vs generalizing s history with
  | nil => cases h; exact ⟨[], rfl, rfl, fun i v hv => by cases hv⟩
  | cons v vs ih =>
    simp only [checkVersionsFrom] at h
    split at h
    · cases h
    · rename_i t ht
      split at h
      · rename_i hr
        obtain ⟨new, rfl, hl, hall⟩ := ih h
        refine ⟨new ++ [t], by simp, by simp [hl], ?_⟩
        intro i w hw
        cases i with
        | succ i =>
          have := hall i w (by simpa using hw)
          simpa [Nat.add_assoc, Nat.add_comm 1 i] using this
        | zero =>
          simp only [List.getElem?_cons_zero, Option.some.injEq] at hw
          subst hw
          refine ⟨s, t, by simp, by simp, ht, ?_⟩
          intro n hn
          simp only [hn, isRestored, Bool.and_eq_true, decide_eq_true_eq, beq_iff_eq] at hr
          obtain ⟨⟨h0, hle⟩, hget⟩ := hr
          refine ⟨h0, ?_⟩
          have hlt : n - 1 < (s :: history).reverse.length := by simp at hle ⊢; omega
          have e : (new ++ t :: s :: history).reverse = (s :: history).reverse ++ (t :: new.reverse) := by simp
          rw [e, List.getElem?_append_left hlt, List.getElem?_reverse (by simpa using hlt), ← hget]
          congr 1
          omega
      · cases h

/-- **Versions.** In a confirmed transcript each version is what its splices make of the one before, and one that restores
another has exactly its content. -/
theorem checkVersions_confirmed {vs : List Version} {s : Bytes} {all : List Bytes}
    (h : checkVersions s vs = .confirmed all) :
    all.length = vs.length + 1 ∧ all.reverse[0]? = some s ∧ ∀ i v, vs[i]? = some v →
      ∃ old t, all.reverse[i]? = some old ∧ all.reverse[i + 1]? = some t ∧ Diff.applyAll v.splices old = some t ∧
        ∀ n, v.restores = some n → 0 < n ∧ all.reverse[n - 1]? = some t := by
  obtain ⟨new, rfl, hl, hall⟩ := checkVersionsFrom_confirmed h
  refine ⟨by simp [hl], by simp, fun i v hv => ?_⟩
  simpa using hall i v hv

/-! ## Witnesses -/

private def edit : Diff.Splice UInt8 := ⟨1, [2], [7, 8]⟩
example : check [1, 2, 3] [[edit], [edit.invert, ⟨0, [], [5]⟩]] = .confirmed [5, 1, 2, 3] := by decide
example : check [1, 2, 3] [[edit], [edit], [edit.invert]] = .diverged 1 := by decide
example : checkVersions [1, 2, 3] [⟨[edit], none⟩, ⟨[edit.invert], some 1⟩] =
    .confirmed [[1, 2, 3], [1, 7, 8, 3], [1, 2, 3]] := by decide
/-- A restored version that differs from what it restores is found, though all splices fit. -/
example : checkVersions [1, 2, 3] [⟨[edit], none⟩, ⟨[⟨1, [7, 8], [9]⟩], some 1⟩] = .diverged 1 := by decide
/-- Undone in the order in which they were made, the steps do not lead back. -/
example : check [1, 7, 9] ([[edit], [⟨2, [8, 3], [9]⟩]].map Diff.invertAll) ≠ .confirmed [1, 2, 3] := by decide
example : check [1, 7, 9] (undo [[edit], [⟨2, [8, 3], [9]⟩]]) = .confirmed [1, 2, 3] := by decide

end Transcript
