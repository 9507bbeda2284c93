/-!
# Diffs that can be undone

A diff is a *splice*: at offset `pos` the text `old` stood, and `new` takes its place. Recording `old` makes every
diff checkable (it refuses to apply where the text differs) and invertible (swap `old` and `new`).
-/

namespace Diff

/-- One edit. `old = []` is an insertion, `new = []` a removal, otherwise a replacement. -/
structure Splice (α : Type) where
  pos : Nat
  old : List α
  new : List α
deriving Repr, DecidableEq

variable {α : Type} [DecidableEq α]

def insert (pos : Nat) (text : List α) : Splice α := ⟨pos, [], text⟩
def remove (pos : Nat) (text : List α) : Splice α := ⟨pos, text, []⟩
def replace (pos : Nat) (old new : List α) : Splice α := ⟨pos, old, new⟩

/-- The diff fits `s`: its offset is inside `s` and the recorded old text stands there. -/
def Splice.Fits (d : Splice α) (s : List α) : Prop :=
  d.pos ≤ s.length ∧ (s.drop d.pos).take d.old.length = d.old

instance (d : Splice α) (s : List α) : Decidable (d.Fits s) := inferInstanceAs (Decidable (_ ∧ _))

/-- Apply one diff; `none` when it does not fit. -/
def Splice.apply (d : Splice α) (s : List α) : Option (List α) :=
  if d.Fits s then some (s.take d.pos ++ d.new ++ s.drop (d.pos + d.old.length)) else none

def Splice.invert (d : Splice α) : Splice α := ⟨d.pos, d.new, d.old⟩

/-- Apply a sequence of diffs, first to last. -/
def applyAll : List (Splice α) → List α → Option (List α)
  | [], s => some s
  | d :: ds, s => (d.apply s).bind (applyAll ds)

/-- Undo a sequence: invert each diff, last to first. -/
def invertAll (ds : List (Splice α)) : List (Splice α) := (ds.map Splice.invert).reverse

end Diff
