import Model.PatchWire
/-!
# Patch files

A whole file, docs/formats/versions.md: header, then blocks, whose streams are stored by a codec that is a parameter and
whose masks stand as byte planes. The model of `src/versions/patch-format.ts` and `byte-planes.ts`.
-/

namespace PatchFile

open Patch (Bytes Op ContentId)
open PatchWire

/-! ## Byte planes -/

/-- The bytes of numbers of `stride` bytes, plane by plane; what is left over stands at the end. -/
def toPlanes (bytes : Bytes) (stride : Nat) : Bytes :=
  let count := bytes.length / stride
  (List.range (count * stride)).map (fun k => bytes.getD (k % count * stride + k / count) 0) ++ bytes.drop (count * stride)

def fromPlanes (planes : Bytes) (stride : Nat) : Bytes :=
  let count := planes.length / stride
  (List.range (count * stride)).map (fun j => planes.getD (j % stride * count + j / stride) 0) ++ planes.drop (count * stride)

/-! ## Header -/

/-- `PIPPATCH` and the format. -/
def magic : Bytes := [0x50, 0x49, 0x50, 0x50, 0x41, 0x54, 0x43, 0x48, 1]

def putHeader (source target : ContentId Bytes) : Bytes :=
  magic ++ source.sha256 ++ target.sha256 ++ putVarint source.bytes ++ putVarint target.bytes

def takeHeader (s : Bytes) : Option ((ContentId Bytes × ContentId Bytes) × Bytes) := do
  let (begin, s) ← takeBytes magic.length s
  if begin ≠ magic then none
  let (sourceHash, s) ← takeBytes 32 s
  let (targetHash, s) ← takeBytes 32 s
  let (sourceBytes, s) ← takeVarint s
  let (targetBytes, s) ← takeVarint s
  some ((⟨sourceHash, sourceBytes⟩, ⟨targetHash, targetBytes⟩), s)

/-! ## Blocks -/

/-- Raw bytes of a stream, at most. -/
def streamMax : Nat := 1048576

/-- How streams are stored: a number below 4 and bytes, from which, with the raw length, the raw ones are made again. -/
structure Codecs where
  pack : Bytes → Nat × Bytes
  unpack : Nat → Bytes → Nat → Option Bytes

/-- What the format asks of codecs. -/
def Codecs.Lawful (c : Codecs) : Prop := ∀ raw, (c.pack raw).1 < 4 ∧ (c.pack raw).2.length ≤ raw.length ∧
  c.unpack (c.pack raw).1 (c.pack raw).2 raw.length = some raw

/-- Everything as it is, which codec 0 says. -/
def plain : Codecs := ⟨fun raw => (0, raw), fun codec stored n => if codec = 0 ∧ stored.length = n then some stored else none⟩

def strides : List Nat := [1, 2, 4, 8]

def putSizes (raw stored : Bytes) : Bytes := putVarint raw.length ++ putVarint stored.length

def putBlock (c : Codecs) (stride : Nat) (s : Streams) : Bytes :=
  let planes := toPlanes s.masks stride
  let ops := c.pack s.ops
  let data := c.pack s.data
  let masks := c.pack planes
  UInt8.ofNat (ops.1 + 4 * data.1 + 16 * masks.1) :: UInt8.ofNat stride ::
    (putSizes s.ops ops.2 ++ putSizes s.data data.2 ++ putSizes planes masks.2 ++ ops.2 ++ data.2 ++ masks.2)

def takeSizes (s : Bytes) : Option ((Nat × Nat) × Bytes) := do
  let (raw, s) ← takeVarint s
  let (stored, s) ← takeVarint s
  if raw ≤ streamMax ∧ stored ≤ raw then some ((raw, stored), s) else none

def takeStream (c : Codecs) (codec : Nat) (sizes : Nat × Nat) (s : Bytes) : Option (Bytes × Bytes) := do
  let (stored, s) ← takeBytes sizes.2 s
  let raw ← c.unpack codec stored sizes.1
  some (raw, s)

def takeBlock (c : Codecs) (s : Bytes) : Option (Streams × Bytes) :=
  match s with
  | codecs :: stride :: s =>
    if 64 ≤ codecs.toNat ∨ stride.toNat ∉ strides then none
    else do
      let (n₁, s) ← takeSizes s
      let (n₂, s) ← takeSizes s
      let (n₃, s) ← takeSizes s
      let (ops, s) ← takeStream c (codecs.toNat % 4) n₁ s
      let (data, s) ← takeStream c (codecs.toNat / 4 % 4) n₂ s
      let (planes, s) ← takeStream c (codecs.toNat / 16) n₃ s
      some (⟨ops, data, fromPlanes planes stride.toNat⟩, s)
  | _ => none

/-! ## Files -/

/-- What has been passed without an op after some ops before which `copied` bytes had been. -/
def carried (copied : Nat) : List Op → Nat
  | [] => copied
  | .copy n :: ops => carried (copied + n) ops
  | .splice removed inserted :: ops => carried (if removed = [] ∧ inserted = [] then copied else 0) ops
  | .xor mask :: ops => carried (if mask = [] then copied else 0) ops

/-- Blocks, each with its stride and its ops; what one passes at its end the next one says. -/
def putBlocks (c : Codecs) (copied : Nat) : List (Nat × List Op) → Bytes
  | [] => []
  | (stride, ops) :: blocks => putBlock c stride (encodeFrom copied ops) ++ putBlocks c (carried copied ops) blocks

def takeBlocks (c : Codecs) : Nat → Bytes → Option (List Op)
  | 0, s => if s = [] then some [] else none
  | fuel + 1, s =>
    if s = [] then some []
    else do
      let (streams, s) ← takeBlock c s
      let ops ← decode streams
      let rest ← takeBlocks c fuel s
      some (ops ++ rest)

def putFile (c : Codecs) (source target : ContentId Bytes) (blocks : List (Nat × List Op)) : Bytes :=
  putHeader source target ++ putBlocks c 0 blocks

def takeFile (c : Codecs) (s : Bytes) : Option (Patch.Patch Bytes) := do
  let (ids, s) ← takeHeader s
  let ops ← takeBlocks c s.length s
  some ⟨ids.1, ids.2, ops⟩

/-- Each stream of each block has its place. -/
def BlocksFit (copied : Nat) : List (Nat × List Op) → Prop
  | [] => True
  | (stride, ops) :: blocks =>
    stride ∈ strides ∧ Fits copied ops ∧ (encodeFrom copied ops).ops.length ≤ streamMax ∧
      (encodeFrom copied ops).data.length ≤ streamMax ∧ (encodeFrom copied ops).masks.length ≤ streamMax ∧
      BlocksFit (carried copied ops) blocks

end PatchFile
