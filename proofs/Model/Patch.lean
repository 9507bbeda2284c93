import Model.Diff
/-!
# Patches: steps through a content

The model of `src/versions/patch.ts`, function by function under the same names. A patch is a list of ops that walk
through the old content from its beginning; what the last one leaves is copied. `Option` stands for `PatchRefused`.
-/

namespace Patch

abbrev Bytes := List UInt8

/-- One step through the old content. -/
inductive Op where
  /-- Goes on over so many bytes that stay. -/
  | copy (length : Nat)
  /-- `removed` stands here in the old content, `inserted` in the new one. -/
  | splice (removed inserted : Bytes)
  /-- Changes bytes in place: each is the exclusive or of the old and the new one. -/
  | xor (mask : Bytes)
deriving Repr, DecidableEq

/-- Bytes of the old content that an op passes. -/
def Op.consumes : Op → Nat
  | .copy n => n
  | .splice removed _ => removed.length
  | .xor mask => mask.length

/-- Bytes of the new content that an op leaves. -/
def Op.produces : Op → Nat
  | .copy n => n
  | .splice _ inserted => inserted.length
  | .xor mask => mask.length

def consumed (ops : List Op) : Nat := (ops.map Op.consumes).sum
def produced (ops : List Op) : Nat := (ops.map Op.produces).sum

def xorBytes (bytes mask : Bytes) : Bytes := List.zipWith (· ^^^ ·) bytes mask

/-- What an op makes of the bytes that it passes; `none` when they are too few, or others than it takes away. -/
def Op.out : Op → Bytes → Option Bytes
  | .copy n, old => if old.length = n then some old else none
  | .splice removed inserted, old => if old = removed then some inserted else none
  | .xor mask, old => if old.length = mask.length then some (xorBytes old mask) else none

/-- The new content, without hashes. -/
def applyOps : List Op → Bytes → Option Bytes
  | [], s => some s
  | op :: ops, s =>
    match op.out (s.take op.consumes) with
    | none => none
    | some new => (applyOps ops (s.drop op.consumes)).map (new ++ ·)

def Op.invert : Op → Op
  | .splice removed inserted => .splice inserted removed
  | op => op

def invertOps (ops : List Op) : List Op := ops.map Op.invert

/-! ## With hashes, which are a parameter -/

structure ContentId (H : Type) where
  sha256 : H
  bytes : Nat
deriving Repr, DecidableEq

structure Patch (H : Type) where
  source : ContentId H
  target : ContentId H
  ops : List Op
deriving Repr, DecidableEq

inductive Fault where
  | wrongBase | doesNotFit | wrongResult
deriving Repr, DecidableEq

variable {H : Type} [DecidableEq H]

def contentId (hash : Bytes → H) (s : Bytes) : ContentId H := ⟨hash s, s.length⟩

def applyPatch (hash : Bytes → H) (p : Patch H) (s : Bytes) : Except Fault Bytes :=
  if contentId hash s ≠ p.source then .error .wrongBase
  else match applyOps p.ops s with
    | none => .error .doesNotFit
    | some t => if contentId hash t ≠ p.target then .error .wrongResult else .ok t

def invert (p : Patch H) : Patch H := ⟨p.target, p.source, invertOps p.ops⟩

/-- Several patches, first to last. -/
def applyPatches (hash : Bytes → H) : List (Patch H) → Bytes → Except Fault Bytes
  | [], s => .ok s
  | p :: ps, s =>
    match applyPatch hash p s with
    | .error fault => .error fault
    | .ok t => applyPatches hash ps t

/-- Takes back several patches: each one inverted, last to first. -/
def invertPatches (ps : List (Patch H)) : List (Patch H) := (ps.map invert).reverse

/-! ## Normal form -/

def Op.isEmpty (op : Op) : Bool := op.consumes == 0 && op.produces == 0

/-- Puts an op before others, as one with the first of them when both are of a kind. -/
def Op.join : Op → List Op → List Op
  | .copy n, .copy m :: ops => .copy (n + m) :: ops
  | .splice r i, .splice r' i' :: ops => .splice (r ++ r') (i ++ i') :: ops
  | .xor m, .xor m' :: ops => .xor (m ++ m') :: ops
  | op, ops => op :: ops

def joinNeighbours : List Op → List Op
  | [] => []
  | op :: ops => if op.isEmpty then joinNeighbours ops else op.join (joinNeighbours ops)

def dropLastCopy : List Op → List Op
  | [] => []
  | [.copy _] => []
  | op :: ops => op :: dropLastCopy ops

/-- The same change with neighbours joined, nothing empty, and no copy at the end. -/
def normalize (ops : List Op) : List Op := dropLastCopy (joinNeighbours ops)

/-! ## Composition -/

/-- The part of an op that produces the first `n` bytes, with all that it removes, and what is left. -/
def Op.split : Op → Nat → Op × Op
  | .copy m, n => (.copy n, .copy (m - n))
  | .xor mask, n => (.xor (mask.take n), .xor (mask.drop n))
  | .splice r i, n => (.splice r (i.take n), .splice [] (i.drop n))

/-- Pieces of the ops that produce `n` bytes together, and what is left; after the last op stands a copy without end. -/
def takeOps : List Op → Nat → List Op × List Op
  | ops, 0 => ([], ops)
  | [], n + 1 => ([.copy (n + 1)], [])
  | op :: ops, n + 1 =>
    if op.produces ≤ n + 1 then
      let (pieces, rest) := takeOps ops (n + 1 - op.produces)
      (op :: pieces, rest)
    else
      let (piece, left) := op.split (n + 1)
      ([piece], left :: ops)

/-- Removes `removed` from what the pieces leave: of bytes that they copied or changed, the old ones go. -/
def takeAway : List Op → Bytes → Option (List Op)
  | [], _ => some []
  | piece :: pieces, removed =>
    let gone := removed.take piece.produces
    let rest := takeAway pieces (removed.drop piece.produces)
    match piece with
    | .copy _ => rest.map (.splice gone [] :: ·)
    | .xor mask => rest.map (.splice (xorBytes gone mask) [] :: ·)
    | .splice r i => if i = gone then rest.map (.splice r [] :: ·) else none

def xorOp : Op → Bytes → Op
  | .copy _, mask => .xor mask
  | .xor m, mask => .xor (xorBytes m mask)
  | .splice r i, mask => .splice r (xorBytes i mask)

def xorOps : List Op → Bytes → List Op
  | [], _ => []
  | piece :: pieces, mask => xorOp piece (mask.take piece.produces) :: xorOps pieces (mask.drop piece.produces)

/-- Walks through the second patch, taking from the first one what each op is about. -/
def composeFrom (first : List Op) : List Op → Option (List Op)
  | [] => some first
  | op :: second =>
    let (pieces, first') := takeOps first op.consumes
    match op with
    | .copy _ => (composeFrom first' second).map (pieces ++ ·)
    | .xor mask => (composeFrom first' second).map (xorOps pieces mask ++ ·)
    | .splice removed inserted =>
      match takeAway pieces removed with
      | none => none
      | some out => (composeFrom first' second).map (out ++ .splice [] inserted :: ·)

/-- One patch for both, without any content. -/
def composeOps (first second : List Op) : Option (List Op) := (composeFrom first second).map normalize

def compose (first second : Patch H) : Except Fault (Patch H) :=
  if first.target ≠ second.source then .error .wrongBase
  else match composeOps first.ops second.ops with
    | none => .error .doesNotFit
    | some ops => .ok ⟨first.source, second.target, ops⟩

/-! ## As splices -/

/-- The ops as splices to be applied one after the other, from where `pos` bytes of the new content stand; `s` is what is
left of the old one. -/
def splicesFrom (pos : Nat) : List Op → Bytes → List (Diff.Splice UInt8)
  | [], _ => []
  | op :: ops, s =>
    let rest := splicesFrom (pos + op.produces) ops (s.drop op.consumes)
    match op with
    | .copy _ => rest
    | .splice removed inserted => ⟨pos, removed, inserted⟩ :: rest
    | .xor mask => let old := s.take mask.length; ⟨pos, old, xorBytes old mask⟩ :: rest

def toSplices (ops : List Op) (content : Bytes) : List (Diff.Splice UInt8) := splicesFrom 0 ops content

end Patch
