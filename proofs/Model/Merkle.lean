/-!
# Merkle tree inclusion proofs (the shape of RFC 6962 / RFC 9162)

Hash functions for leaves and inner nodes are abstract. Soundness is in reduction form: a proof that convinces the
verifier of a wrong leaf yields a collision of one of the two hash functions.
-/

namespace Merkle

structure Hash (Leaf H : Type) where
  leaf : Leaf → H
  node : H → H → H
  empty : H

variable {Leaf H : Type} (F : Hash Leaf H)

/-- The largest power of two below `n` (for `n ≥ 2`): how many leaves go left. -/
def splitAt (n : Nat) : Nat := 2 ^ (n - 1).log2

theorem splitAt_pos (n : Nat) : 0 < splitAt n := Nat.two_pow_pos _

theorem splitAt_lt {n : Nat} (h : 2 ≤ n) : splitAt n < n := by
  have : splitAt n ≤ n - 1 := Nat.log2_self_le (by omega)
  omega

/-- Merkle tree hash. -/
def root (ls : List Leaf) : H :=
  match ls with
  | [] => F.empty
  | [l] => F.leaf l
  | a :: b :: rest =>
    let ls := a :: b :: rest
    let k := splitAt ls.length
    F.node (root (ls.take k)) (root (ls.drop k))
termination_by ls.length
decreasing_by
  · have := splitAt_lt (n := (a :: b :: rest).length) (by simp only [List.length_cons]; omega)
    rw [List.length_take]; omega
  · have := splitAt_pos (a :: b :: rest).length
    have : 0 < (a :: b :: rest).length := by simp
    rw [List.length_drop]; omega

/-- The audit path for leaf `m`: siblings from the leaf up. -/
def path (m : Nat) (ls : List Leaf) : List H :=
  if _h : 2 ≤ ls.length then
    let k := splitAt ls.length
    if m < k then path m (ls.take k) ++ [root F (ls.drop k)]
    else path (m - k) (ls.drop k) ++ [root F (ls.take k)]
  else []
termination_by ls.length
decreasing_by
  · have := splitAt_lt _h; rw [List.length_take]; omega
  · have := splitAt_pos ls.length; rw [List.length_drop]; omega

/-- What the verifier computes from a leaf hash, the index `m`, the tree size `n` and a path. The path is taken from
its end (the top of the tree) downwards; `none` when it has not the length that `(m, n)` calls for. -/
def climb (leafHash : H) (m n : Nat) (p : List H) : Option H :=
  if _h : 2 ≤ n then
    match p.getLast? with
    | none => none
    | some sibling =>
      let k := splitAt n
      if m < k then (climb leafHash m k p.dropLast).map (F.node · sibling)
      else (climb leafHash (m - k) (n - k) p.dropLast).map (F.node sibling ·)
  else if p.isEmpty then some leafHash else none
termination_by n
decreasing_by
  · exact splitAt_lt _h
  · have := splitAt_pos n; omega

def verify [DecidableEq H] (rootHash : H) (l : Leaf) (m n : Nat) (p : List H) : Bool :=
  decide (m < n) && decide (climb F (F.leaf l) m n p = some rootHash)

/-- A collision of the leaf hash or of the node hash. -/
def Collision : Prop :=
  (∃ a b : Leaf, a ≠ b ∧ F.leaf a = F.leaf b) ∨
  (∃ a b c d : H, (a, b) ≠ (c, d) ∧ F.node a b = F.node c d)

end Merkle
