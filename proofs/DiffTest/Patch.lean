import Model.Patch
import Lean.Data.Json

/-! A line of JSON in, a line of JSON out: what the model of patches makes of two lists of ops and a content. -/

namespace DiffTest

open Patch (Op)

/-- An op: 0 copies `n`, 1 replaces `a` by `b`, 2 is the exclusive or with `a`. -/
structure WireOp where
  k : Nat
  n : Nat := 0
  a : List Nat := []
  b : List Nat := []
deriving Lean.FromJson, Lean.ToJson

def toBytes (ns : List Nat) : Patch.Bytes := ns.map UInt8.ofNat
def ofBytes (bs : Patch.Bytes) : List Nat := bs.map UInt8.toNat

def WireOp.toOp (w : WireOp) : Op :=
  match w.k with
  | 0 => .copy w.n
  | 1 => .splice (toBytes w.a) (toBytes w.b)
  | _ => .xor (toBytes w.a)

def WireOp.ofOp : Op → WireOp
  | .copy n => ⟨0, n, [], []⟩
  | .splice removed inserted => ⟨1, 0, ofBytes removed, ofBytes inserted⟩
  | .xor mask => ⟨2, 0, ofBytes mask, []⟩

structure PatchInput where
  first : List WireOp
  second : List WireOp
  content : List Nat
deriving Lean.FromJson

structure PatchAnswer where
  applied : Option (List Nat)
  undone : Option (List Nat)
  inverted : List WireOp
  normalized : List WireOp
  composed : Option (List WireOp)
  splices : List (Nat × List Nat × List Nat)
deriving Lean.ToJson

def patchAnswer (i : PatchInput) : PatchAnswer :=
  let first := i.first.map WireOp.toOp
  let second := i.second.map WireOp.toOp
  let content := toBytes i.content
  let applied := Patch.applyOps first content
  { applied := applied.map ofBytes
    undone := (applied.bind (Patch.applyOps (Patch.invertOps first))).map ofBytes
    inverted := (Patch.invertOps first).map WireOp.ofOp
    normalized := (Patch.normalize first).map WireOp.ofOp
    composed := (Patch.composeOps first second).map (·.map WireOp.ofOp)
    splices := if applied.isNone then [] else
      (Patch.toSplices first content).map fun s => (s.pos, ofBytes s.old, ofBytes s.new) }

def patch (line : String) : String :=
  match Lean.Json.parse line >>= Lean.fromJson? (α := PatchInput) with
  | .ok i => Lean.Json.compress (Lean.toJson (patchAnswer i))
  | .error e => "error: " ++ e

end DiffTest
