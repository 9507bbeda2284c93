import Model.Patch
/-!
# Patches as bytes

The three streams of a block, docs/formats/versions.md, before they are compressed: ops, the bytes of splices, masks.
The model of `PatchEncoder`, `readBlock` and the byte planes in `src/versions`.
-/

namespace PatchWire

open Patch (Bytes Op)

/-- A length is at most this. -/
def lengthMax : Nat := 2 ^ 53 - 1

/-- The digits of a number to the base 128, the lowest first; `fuel`: they are no more than the number itself. -/
def digits : Nat → Nat → Bytes
  | 0, n => [UInt8.ofNat n]
  | fuel + 1, n => if n < 128 then [UInt8.ofNat n] else UInt8.ofNat (n % 128 + 128) :: digits fuel (n / 128)

/-- Little-endian base 128. -/
def putVarint (n : Nat) : Bytes := digits n n

/-- A number and what stands behind it, of any size. -/
def takeNat : Bytes → Option (Nat × Bytes)
  | [] => none
  | b :: s =>
    if b.toNat < 128 then some (b.toNat, s)
    else match takeNat s with
      | none => none
      | some (n, rest) => some (b.toNat - 128 + 128 * n, rest)

def takeVarint (s : Bytes) : Option (Nat × Bytes) :=
  match takeNat s with
  | none => none
  | some (n, rest) => if n ≤ lengthMax then some (n, rest) else none

/-- So many bytes, and what stands behind them. -/
def takeBytes (n : Nat) (s : Bytes) : Option (Bytes × Bytes) := if n ≤ s.length then some (s.take n, s.drop n) else none

structure Streams where
  ops : Bytes
  data : Bytes
  masks : Bytes
deriving Repr, DecidableEq

/-- The streams of ops before which `copied` bytes were passed that no op says. -/
def encodeFrom (copied : Nat) : List Op → Streams
  | [] => ⟨[], [], []⟩
  | op :: ops =>
    match op with
    | .copy n => encodeFrom (copied + n) ops
    | .splice removed inserted =>
      if removed = [] ∧ inserted = [] then encodeFrom copied ops
      else
        let rest := encodeFrom 0 ops
        ⟨putVarint copied ++ putVarint (2 * removed.length) ++ putVarint inserted.length ++ rest.ops,
          removed ++ inserted ++ rest.data, rest.masks⟩
    | .xor mask =>
      if mask = [] then encodeFrom copied ops
      else
        let rest := encodeFrom 0 ops
        ⟨putVarint copied ++ putVarint (2 * mask.length + 1) ++ rest.ops, rest.data, mask ++ rest.masks⟩

def encode (ops : List Op) : Streams := encodeFrom 0 ops

/-- One op with the copy before it, and what is left of the streams. -/
def decodeOne (s : Streams) : Option (List Op × Streams) :=
  match takeVarint s.ops with
  | none => none
  | some (copied, s₁) =>
    let before := if copied = 0 then [] else [Op.copy copied]
    match takeVarint s₁ with
    | none => none
    | some (n, s₂) =>
      if n % 2 = 1 then
        match takeBytes (n / 2) s.masks with
        | none => none
        | some (mask, masks) => some (before ++ [.xor mask], ⟨s₂, s.data, masks⟩)
      else
        match takeBytes (n / 2) s.data, takeVarint s₂ with
        | some (removed, data), some (m, s₃) =>
          match takeBytes m data with
          | none => none
          | some (inserted, data) => some (before ++ [.splice removed inserted], ⟨s₃, data, s.masks⟩)
        | _, _ => none

/-- The ops of a block; `none` where it ends too early, says too much, or holds bytes that no op is about. `fuel`: the
ops are no more than their bytes. -/
def decodeFrom : Nat → Streams → Option (List Op)
  | 0, s => if s = ⟨[], [], []⟩ then some [] else none
  | fuel + 1, s =>
    if s.ops = [] then (if s.data = [] ∧ s.masks = [] then some [] else none)
    else match decodeOne s with
      | none => none
      | some (ops, rest) => (decodeFrom fuel rest).map (ops ++ ·)

def decode (s : Streams) : Option (List Op) := decodeFrom s.ops.length s

/-- What is written of ops: neighbouring copies joined, nothing empty, and no copy at the end. -/
def written (copied : Nat) : List Op → List Op
  | [] => []
  | op :: ops =>
    let before := if copied = 0 then [] else [Op.copy copied]
    match op with
    | .copy n => written (copied + n) ops
    | .splice removed inserted =>
      if removed = [] ∧ inserted = [] then written copied ops else before ++ .splice removed inserted :: written 0 ops
    | .xor mask => if mask = [] then written copied ops else before ++ .xor mask :: written 0 ops

/-- Every length in the ops, and every run of copies, can be written. -/
def Fits (copied : Nat) : List Op → Prop
  | [] => True
  | op :: ops =>
    match op with
    | .copy n => Fits (copied + n) ops
    | .splice removed inserted =>
      copied ≤ lengthMax ∧ 2 * removed.length ≤ lengthMax ∧ inserted.length ≤ lengthMax ∧
        Fits (if removed = [] ∧ inserted = [] then copied else 0) ops
    | .xor mask => copied ≤ lengthMax ∧ 2 * mask.length + 1 ≤ lengthMax ∧ Fits (if mask = [] then copied else 0) ops

/-- Something follows, and it is not a copy. -/
def BeginsChanging : List Op → Prop
  | [] => False
  | .copy _ :: _ => False
  | _ => True

/-- As ops come from `normalize` and from the encoder's callers: no empty op, no two copies side by side, none at the end. -/
def Normal : List Op → Prop
  | [] => True
  | .copy n :: rest => 0 < n ∧ BeginsChanging rest ∧ Normal rest
  | .splice removed inserted :: rest => ¬(removed = [] ∧ inserted = []) ∧ Normal rest
  | .xor mask :: rest => mask ≠ [] ∧ Normal rest

end PatchWire
