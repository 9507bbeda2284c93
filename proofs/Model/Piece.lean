import Model.Diff
/-!
# Contents as pieces

The byte model of a splice copies the whole content, list cell by list cell. Here a content is a list of pieces, each a
part of a byte array: a splice cuts pieces at two places and puts one between, whatever the content's size, so a run on
an artifact of megabytes can be done again. `Thm/Piece.lean` proves that both models say the same.
-/

namespace Piece

/-- A part of a byte array: of the content in the beginning, or of bytes that a splice inserted. -/
structure Part where
  source : ByteArray
  start : Nat
  length : Nat
  inside : start + length ≤ source.size

def Part.toBytes (p : Part) : List UInt8 := (p.source.data.toList.drop p.start).take p.length

/-- What pieces stand for. -/
def toBytes (t : List Part) : List UInt8 := t.flatMap Part.toBytes

def whole (source : ByteArray) : Part := ⟨source, 0, source.size, by omega⟩

def ofBytes (source : ByteArray) : List Part := [whole source]

def size (t : List Part) : Nat := t.foldl (fun n p => n + p.length) 0

/-- The bytes as one array, part by part. -/
def concat (t : List Part) : ByteArray :=
  t.foldl (fun out p => out ++ p.source.extract p.start (p.start + p.length)) ByteArray.empty

/-- The pieces of the first `n` bytes, and those of the others. -/
def splitAt : List Part → Nat → List Part × List Part
  | [], _ => ([], [])
  | p :: ps, n =>
    if h : p.length ≤ n then
      let (before, after) := splitAt ps (n - p.length)
      (p :: before, after)
    else if n = 0 then ([], p :: ps)
    else
      have := p.inside
      ([⟨p.source, p.start, n, by omega⟩], ⟨p.source, p.start + n, p.length - n, by omega⟩ :: ps)

/-- A splice whose bytes are arrays. -/
structure Splice where
  pos : Nat
  old : ByteArray
  new : ByteArray

/-- The same splice in the byte model. -/
def Splice.toDiff (d : Splice) : Diff.Splice UInt8 := ⟨d.pos, d.old.data.toList, d.new.data.toList⟩

def Splice.invert (d : Splice) : Splice := ⟨d.pos, d.new, d.old⟩

/-- Apply one splice; `none` where other bytes stand than it takes away, or the content ends before it. -/
def Splice.apply (d : Splice) (t : List Part) : Option (List Part) :=
  let (before, after) := splitAt t d.pos
  let (gone, rest) := splitAt after d.old.size
  if d.pos ≤ size t ∧ concat gone = d.old then
    some (before ++ if d.new.size = 0 then rest else whole d.new :: rest)
  else none

/-- Many pieces are made one, so that the next splices stay cheap. -/
def compact (t : List Part) : List Part := if t.length ≤ 64 then t else ofBytes (concat t)

def applyAll : List Splice → List Part → Option (List Part)
  | [], t => some t
  | d :: ds, t =>
    match d.apply t with
    | none => none
    | some u => applyAll ds (compact u)

end Piece
