/-!
# The signed ledger

A ledger is a chain of entries `(counter, payload, tag)`. Each tag is a MAC over the previous tag, the counter and the
payload. The MAC itself is abstract: what is proved holds for any function, and where security is claimed it is claimed
in reduction form, *from a successful attack one can compute a MAC forgery or a MAC collision*, by the functions below.
-/

namespace Ledger

abbrev Bytes := List UInt8

/-- What the ledger is built from: a keyed MAC, the tag before the first entry, and the framing of one entry. -/
structure Scheme (Key Tag : Type) where
  mac : Key → Bytes → Tag
  genesis : Tag
  frame : Tag → Nat → Bytes → Bytes

/-- The framing loses nothing for counters below `N` (2^64 for an 8-byte counter: see `Framing.lean`):
different (previous tag, counter, payload) give different bytes. -/
def Scheme.Framed {Key Tag : Type} (S : Scheme Key Tag) (N : Nat) : Prop :=
  ∀ {p p' : Tag} {n n' : Nat} {b b' : Bytes}, n < N → n' < N →
    S.frame p n b = S.frame p' n' b' → p = p' ∧ n = n' ∧ b = b'

structure Entry (Tag : Type) where
  counter : Nat
  payload : Bytes
  tag : Tag
deriving DecidableEq

variable {Key Tag : Type} [DecidableEq Tag] (S : Scheme Key Tag) (k : Key) {N : Nat}

/-- The tag that the next entry chains on. -/
def lastTag (start : Tag) : List (Entry Tag) → Tag
  | [] => start
  | e :: es => lastTag e.tag es

/-- Check entries that are to follow tag `prev`, the first with counter `n`. -/
def verifyFrom (prev : Tag) (n : Nat) : List (Entry Tag) → Bool
  | [] => true
  | e :: es => e.counter == n && e.tag == S.mac k (S.frame prev n e.payload) && verifyFrom e.tag (n + 1) es

def verify (es : List (Entry Tag)) : Bool := verifyFrom S k S.genesis 0 es

/-- What the writer does with a new payload. -/
def append (es : List (Entry Tag)) (b : Bytes) : List (Entry Tag) :=
  es ++ [{ counter := es.length, payload := b, tag := S.mac k (S.frame (lastTag S.genesis es) es.length b) }]

/-- The ledger an honest writer makes of these payloads. -/
def build (bs : List Bytes) : List (Entry Tag) := bs.foldl (append S k) []

/-- The same, written forwards. -/
def buildFrom (prev : Tag) (n : Nat) : List Bytes → List (Entry Tag)
  | [] => []
  | b :: bs =>
    let t := S.mac k (S.frame prev n b)
    ⟨n, b, t⟩ :: buildFrom t (n + 1) bs

/-! ## What an attacker would have to make -/

/-- The messages MACed (or checked) along a ledger, each with the tag it carries. -/
def signed (prev : Tag) (n : Nat) : List (Entry Tag) → List (Bytes × Tag)
  | [] => []
  | e :: es => (S.frame prev n e.payload, e.tag) :: signed e.tag (n + 1) es

structure Checkpoint (Tag : Type) where
  count : Nat
  tag : Tag
deriving DecidableEq

def checkpoint (es : List (Entry Tag)) : Checkpoint Tag := ⟨es.length, lastTag S.genesis es⟩

/-- Accept a ledger against a checkpoint: it verifies, and is exactly as long, and ends in the same tag. -/
def accepts (cp : Checkpoint Tag) (es : List (Entry Tag)) : Bool :=
  verify S k es && decide (checkpoint S es = cp)

/-- Walk both ledgers in step; return the last pair of different messages. -/
def collide (p q : Tag) (n : Nat) : List (Entry Tag) → List (Entry Tag) → Option (Bytes × Bytes)
  | e :: es, f :: fs =>
    match collide e.tag f.tag (n + 1) es fs with
    | some c => some c
    | none =>
      let m := S.frame p n e.payload
      let m' := S.frame q n f.payload
      if m = m' then none else some (m, m')
  | _, _ => none

/-- The MAC under key `k` has no collision. (An idealisation: in practice, "nobody can find one".) -/
def NoCollision : Prop := ∀ m m', S.mac k m = S.mac k m' → m = m'

end Ledger
