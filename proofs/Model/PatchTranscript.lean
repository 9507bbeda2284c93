import Model.Piece
/-!
# Transcripts

A transcript is a content and what was made of it, version after version: splices, and sometimes the version whose
content the new one has again. The checker does it all again and says `confirmed`, or the first step that contradicts it.
Versions count from 1, which is the content in the beginning; step `i` makes version `i + 2`.
-/

namespace Transcript

abbrev Bytes := List UInt8

inductive Verdict (σ : Type) where
  | confirmed (last : σ)
  | diverged (step : Nat)
deriving Repr, DecidableEq

def Verdict.map {σ τ : Type} (f : σ → τ) : Verdict σ → Verdict τ
  | .confirmed s => .confirmed (f s)
  | .diverged i => .diverged i

/-- Steps, each several splices, from the `i`-th. -/
def checkFrom (i : Nat) (s : Bytes) : List (List (Diff.Splice UInt8)) → Verdict Bytes
  | [] => .confirmed s
  | step :: steps =>
    match Diff.applyAll step s with
    | none => .diverged i
    | some t => checkFrom (i + 1) t steps

def check (s : Bytes) (steps : List (List (Diff.Splice UInt8))) : Verdict Bytes := checkFrom 0 s steps

/-- Each step inverted, last to first. -/
def undo (steps : List (List (Diff.Splice UInt8))) : List (List (Diff.Splice UInt8)) := (steps.map Diff.invertAll).reverse

/-- The same with contents in pieces. -/
def checkPiecesFrom (i : Nat) (t : List Piece.Part) : List (List Piece.Splice) → Verdict (List Piece.Part)
  | [] => .confirmed t
  | step :: steps =>
    match Piece.applyAll step t with
    | none => .diverged i
    | some u => checkPiecesFrom (i + 1) u steps

def checkPieces (content : ByteArray) (steps : List (List Piece.Splice)) : Verdict (List Piece.Part) :=
  checkPiecesFrom 0 (Piece.ofBytes content) steps

/-! ## With versions that are restored -/

structure Version where
  splices : List (Diff.Splice UInt8)
  restores : Option Nat := none

/-- Whether a content is that of the version that it is said to restore; `history` has the contents so far, newest first. -/
def isRestored (history : List Bytes) (t : Bytes) : Option Nat → Bool
  | none => true
  | some n => 0 < n && n ≤ history.length && history[history.length - n]? == some t

/-- Answers the contents of all versions, newest first. -/
def checkVersionsFrom (s : Bytes) (history : List Bytes) : List Version → Verdict (List Bytes)
  | [] => .confirmed (s :: history)
  | v :: vs =>
    match Diff.applyAll v.splices s with
    | none => .diverged history.length
    | some t => if isRestored (s :: history) t v.restores then checkVersionsFrom t (s :: history) vs else .diverged history.length

def checkVersions (s : Bytes) (vs : List Version) : Verdict (List Bytes) := checkVersionsFrom s [] vs

end Transcript
