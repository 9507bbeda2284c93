import Model.Framing

/-!
# The framing loses nothing

It is injective for counters below 2^64, so every ledger theorem that asks for `Framed N` holds for it with `N = 2^64`.
-/

namespace Ledger.Framing

theorem bigEndian_length (w n : Nat) : (bigEndian w n).length = w := by
  induction w generalizing n with
  | zero => rfl
  | succ w ih => simp [bigEndian, ih]

theorem bigEndian_inj (w : Nat) {n m : Nat} (hn : n < 256 ^ w) (hm : m < 256 ^ w)
    (h : bigEndian w n = bigEndian w m) : n = m := by
  induction w generalizing n m with
  | zero => simp at hn hm; omega
  | succ w ih =>
    have hl : (bigEndian w (n / 256)).length = (bigEndian w (m / 256)).length := by simp [bigEndian_length]
    obtain ⟨h1, h2⟩ := List.append_inj h hl
    have hpow : 256 ^ (w + 1) = 256 * 256 ^ w := by rw [Nat.pow_succ, Nat.mul_comm]
    have e1 := ih (by omega) (by omega) h1
    have e2 : UInt8.ofNat (n % 256) = UInt8.ofNat (m % 256) := by simpa using h2
    have e3 := congrArg UInt8.toNat e2
    simp only [UInt8.toNat_ofNat'] at e3
    omega

/-- Framing loses nothing: entries below counter 2^64 that frame to the same bytes have the same previous tag,
counter and payload. -/
theorem frame_inj {p p' b b' : Bytes} {n n' : Nat} (hp : p.length = 32) (hp' : p'.length = 32)
    (hn : n < 2 ^ 64) (hn' : n' < 2 ^ 64) (h : frame p n b = frame p' n' b') : p = p' ∧ n = n' ∧ b = b' := by
  obtain ⟨h1, h2⟩ := List.append_inj h (by rw [hp, hp'])
  obtain ⟨h3, h4⟩ := List.append_inj h2 (by simp [bigEndian_length])
  exact ⟨h1, bigEndian_inj 8 (by simpa using hn) (by simpa using hn') h3, h4⟩

/-- The concrete framing meets what the ledger theorems ask of a framing, for counters below 2^64. -/
theorem scheme_framed {Key : Type} (mac : Key → Bytes → Tag) (genesis : Tag) :
    (scheme mac genesis).Framed (2 ^ 64) := by
  intro p p' n n' b b' hn hn' h
  obtain ⟨h1, h2, h3⟩ := frame_inj p.2 p'.2 hn hn' h
  exact ⟨Subtype.ext h1, h2, h3⟩

end Ledger.Framing
