import Model.Piece
import Thm.Diff
/-!
# Pieces say what bytes say

The piece model refines the byte model: it accepts and refuses the same splices, and stands for the same bytes after them.
-/

namespace Piece

theorem Part.toBytes_length (p : Part) : p.toBytes.length = p.length := by
  have := p.inside
  have : p.source.size = p.source.data.toList.length := by simp
  simp only [Part.toBytes, List.length_take, List.length_drop]
  omega

theorem toBytes_cons (p : Part) (t : List Part) : toBytes (p :: t) = p.toBytes ++ toBytes t := rfl

theorem toBytes_append (t u : List Part) : toBytes (t ++ u) = toBytes t ++ toBytes u := by simp [toBytes]

theorem toBytes_whole (b : ByteArray) : (whole b).toBytes = b.data.toList := by
  have : b.size = b.data.toList.length := by simp
  simp only [Part.toBytes, whole, List.drop_zero, this, List.take_length]

/-- A content that was just read stands for its bytes. -/
theorem toBytes_ofBytes (b : ByteArray) : toBytes (ofBytes b) = b.data.toList := by
  simp [ofBytes, toBytes, toBytes_whole]

theorem size_eq (t : List Part) : size t = (toBytes t).length := by
  have key : ∀ (t : List Part) (n : Nat), t.foldl (fun n p => n + p.length) n = n + (toBytes t).length := by
    intro t
    induction t with
    | nil => intro n; rfl
    | cons p t ih =>
      intro n
      rw [List.foldl_cons, ih, toBytes_cons, List.length_append, p.toBytes_length]
      omega
  simpa [size] using key t 0

theorem concat_eq (t : List Part) : (concat t).data.toList = toBytes t := by
  have key : ∀ (t : List Part) (out : ByteArray),
      (t.foldl (fun out p => out ++ p.source.extract p.start (p.start + p.length)) out).data.toList =
        out.data.toList ++ toBytes t := by
    intro t
    induction t with
    | nil => intro out; simp [toBytes]
    | cons p t ih =>
      intro out
      rw [List.foldl_cons, ih, toBytes_cons]
      simp [Part.toBytes, List.extract_eq_drop_take]
  simpa [concat] using key t ByteArray.empty

theorem concat_eq_iff (t : List Part) (b : ByteArray) : concat t = b ↔ toBytes t = b.data.toList := by
  rw [← concat_eq]
  constructor
  · rintro rfl; rfl
  · intro h
    exact ByteArray.ext (Array.toList_inj.1 h)

theorem splitAt_eq (t : List Part) (n : Nat) :
    toBytes (splitAt t n).1 = (toBytes t).take n ∧ toBytes (splitAt t n).2 = (toBytes t).drop n := by
  induction t generalizing n with
  | nil => simp [splitAt, toBytes]
  | cons p t ih =>
    have hl := p.toBytes_length
    unfold splitAt
    split
    · rename_i h
      have := ih (n - p.length)
      constructor
      · show toBytes (p :: (splitAt t (n - p.length)).1) = _
        rw [toBytes_cons, toBytes_cons, this.1, List.take_append, hl, List.take_of_length_le (l := p.toBytes) (by omega)]
      · show toBytes (splitAt t (n - p.length)).2 = _
        rw [toBytes_cons, this.2, List.drop_append, hl, List.drop_of_length_le (l := p.toBytes) (by omega), List.nil_append]
    · split
      · rename_i h0
        subst h0
        simp [toBytes]
      · constructor
        · rw [toBytes_cons p, List.take_append_of_le_length (by omega)]
          simp only [toBytes, List.flatMap_cons, List.flatMap_nil, List.append_nil, Part.toBytes, List.take_take]
          rw [Nat.min_eq_left (by omega)]
        · rw [toBytes_cons p, List.drop_append_of_le_length (by omega), toBytes_cons]
          simp only [Part.toBytes, List.drop_take, List.drop_drop]

/-- **Refinement.** A splice of pieces is refused exactly when the splice of bytes is, and gives the same bytes. -/
theorem apply_refines (d : Splice) (t : List Part) : (d.apply t).map toBytes = d.toDiff.apply (toBytes t) := by
  have hold : d.old.data.toList.length = d.old.size := by simp
  have h1 := splitAt_eq t d.pos
  have h2 := splitAt_eq (splitAt t d.pos).2 d.old.size
  have hfit : (d.pos ≤ size t ∧ concat (splitAt (splitAt t d.pos).2 d.old.size).1 = d.old) ↔ d.toDiff.Fits (toBytes t) := by
    rw [concat_eq_iff, h2.1, h1.2, size_eq]
    unfold Diff.Splice.Fits Splice.toDiff
    rw [hold]
  unfold Splice.apply Diff.Splice.apply
  simp only [hfit]
  split
  · have hnew : toBytes (if d.new.size = 0 then (splitAt (splitAt t d.pos).2 d.old.size).2
        else whole d.new :: (splitAt (splitAt t d.pos).2 d.old.size).2) =
        d.new.data.toList ++ (toBytes t).drop (d.pos + d.old.size) := by
      rw [← List.drop_drop, ← h1.2, ← h2.2]
      split
      · rename_i h0
        have : d.new.data.toList = [] := List.length_eq_zero_iff.1 (by simpa using h0)
        rw [this, List.nil_append]
      · rw [toBytes_cons, toBytes_whole]
    rw [Option.map_some, toBytes_append, h1.1, hnew]
    simp only [Splice.toDiff, hold, List.append_assoc]
  · rfl

theorem compact_eq (t : List Part) : toBytes (compact t) = toBytes t := by
  unfold compact
  split
  · rfl
  · rw [toBytes_ofBytes, concat_eq]

/-- **Refinement of a sequence**: splices one after the other, with pieces joined when they are many, say what bytes say. -/
theorem applyAll_refines (ds : List Splice) (t : List Part) :
    (applyAll ds t).map toBytes = Diff.applyAll (ds.map Splice.toDiff) (toBytes t) := by
  induction ds generalizing t with
  | nil => rfl
  | cons d ds ih =>
    have h := apply_refines d t
    simp only [applyAll, List.map_cons, Diff.applyAll]
    rw [← h]
    cases d.apply t with
    | none => rfl
    | some u =>
      simp only [Option.map_some, Option.bind_some]
      rw [ih, compact_eq]

/-- Undo holds for pieces as it does for bytes. -/
theorem apply_invert_bytes {d : Splice} {t u : List Part} (h : d.apply t = some u) :
    (d.invert.apply u).map toBytes = some (toBytes t) := by
  rw [apply_refines]
  have := apply_refines d t
  rw [h] at this
  exact Diff.apply_invert this.symm

/-! ## Witnesses -/

private def bytes (l : List UInt8) : ByteArray := ⟨l.toArray⟩
private def table : List Part := ofBytes (bytes [1, 2, 3, 4])
example : ((Splice.mk 1 (bytes [2]) (bytes [7, 8])).apply table).map toBytes = some [1, 7, 8, 3, 4] := by
  rw [apply_refines]; decide
example : ((Splice.mk 1 (bytes [9]) (bytes [7, 8])).apply table).map toBytes = none := by rw [apply_refines]; decide
example : ((Splice.mk 5 (bytes []) (bytes [7])).apply table).map toBytes = none := by rw [apply_refines]; decide
/-- An insertion at the very end fits; a check of `pos < size` would refuse it. -/
example : ((Splice.mk 4 (bytes []) (bytes [7])).apply table).map toBytes = some [1, 2, 3, 4, 7] := by
  rw [apply_refines]; decide

end Piece
