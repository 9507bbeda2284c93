import Model.Ledger

/-!
# A concrete framing

Tags of 32 bytes, the counter as 8 bytes big-endian, then the payload.
-/

namespace Ledger.Framing

/-- `n` as `w` big-endian bytes. -/
def bigEndian : Nat → Nat → Bytes
  | 0, _ => []
  | w + 1, n => bigEndian w (n / 256) ++ [UInt8.ofNat (n % 256)]

/-- previous tag (32 bytes) ++ counter (8 bytes) ++ payload -/
def frame (tag : Bytes) (n : Nat) (payload : Bytes) : Bytes := tag ++ (bigEndian 8 n ++ payload)

/-- A tag: exactly 32 bytes. -/
abbrev Tag := { b : Bytes // b.length = 32 }

/-- The production scheme, for any MAC with 32-byte tags (HMAC-SHA-256). -/
def scheme {Key : Type} (mac : Key → Bytes → Tag) (genesis : Tag) : Scheme Key Tag where
  mac := mac
  genesis := genesis
  frame := fun t n b => frame t.val n b

end Ledger.Framing
