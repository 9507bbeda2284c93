import Thm.LedgerChain

/-!
# Tampering, 1: someone without the key

The honest writer MACed exactly the messages of its own ledger. Anything else that verifies contains a forgery.
-/

namespace Ledger

variable {Key Tag : Type} [DecidableEq Tag] (S : Scheme Key Tag) (k : Key) {N : Nat}

omit [DecidableEq Tag] in
theorem signed_counter {prev : Tag} {n : Nat} {es : List (Entry Tag)} {m : Bytes} {t : Tag}
    (h : (m, t) ∈ signed S prev n es) : ∃ p c b, n ≤ c ∧ c < n + es.length ∧ m = S.frame p c b := by
  induction es generalizing prev n with
  | nil => cases h
  | cons e es ih =>
    rcases List.mem_cons.1 h with h | h
    · exact ⟨prev, n, e.payload, Nat.le_refl n, by simp only [List.length_cons]; omega,
        by simpa using congrArg Prod.fst h⟩
    · obtain ⟨p, c, b, hle, hlt, hm⟩ := ih h
      exact ⟨p, c, b, by omega, by simp only [List.length_cons]; omega, hm⟩

theorem prefix_or_forgery_from (hF : S.Framed N) (prev : Tag) (n : Nat) (es fs : List (Entry Tag))
    (hne : n + es.length ≤ N) (hnf : n + fs.length ≤ N)
    (he : verifyFrom S k prev n es = true) (hf : verifyFrom S k prev n fs = true) :
    fs <+: es ∨ ∃ m t, (m, t) ∈ signed S prev n fs ∧ t = S.mac k m ∧ ∀ t', (m, t') ∉ signed S prev n es := by
  induction fs generalizing prev n es with
  | nil => exact .inl (List.nil_prefix)
  | cons f fs ih =>
    simp only [verifyFrom, Bool.and_eq_true, beq_iff_eq] at hf
    obtain ⟨⟨hfc, hft⟩, hfv⟩ := hf
    simp only [List.length_cons] at hnf
    cases es with
    | nil => exact .inr ⟨S.frame prev n f.payload, f.tag, List.mem_cons_self, hft, fun t' h => by cases h⟩
    | cons e es =>
      simp only [verifyFrom, Bool.and_eq_true, beq_iff_eq] at he
      obtain ⟨⟨hec, het⟩, hev⟩ := he
      simp only [List.length_cons] at hne
      by_cases hb : f.payload = e.payload
      · have htag : f.tag = e.tag := by rw [hft, het, hb]
        have hfe : f = e := by
          cases f; cases e; simp_all
        rw [htag] at hfv
        rcases ih e.tag (n + 1) es (by omega) (by omega) hev hfv with hp | ⟨m, t, hmem, hmac, hnew⟩
        · exact .inl (by rw [hfe]; exact List.cons_prefix_cons.2 ⟨rfl, hp⟩)
        · refine .inr ⟨m, t, ?_, hmac, ?_⟩
          · rw [← htag] at hmem; exact List.mem_cons_of_mem _ hmem
          · intro t' h
            rcases List.mem_cons.1 h with h | h
            · -- the counter inside `m` is past `n`, so it is not the first message
              obtain ⟨p, c, b, hle, hlt, hm⟩ := signed_counter S hmem
              have : m = S.frame prev n e.payload := congrArg Prod.fst h
              have := (hF (by omega) (by omega) (hm.symm.trans this)).2.1
              omega
            · exact hnew t' h
      · refine .inr ⟨S.frame prev n f.payload, f.tag, List.mem_cons_self, hft, fun t' h => ?_⟩
        rcases List.mem_cons.1 h with h | h
        · exact hb (hF (by omega) (by omega) (congrArg Prod.fst h)).2.2
        · obtain ⟨p, c, b, hle, hlt, hm⟩ := signed_counter S h
          have := (hF (by omega) (by omega) hm).2.1
          omega

/-- Any ledger that verifies beside the honest one is a beginning of it, or carries a correct tag on a message that
the writer never signed. -/
theorem prefix_or_forgery (hF : S.Framed N) {es fs : List (Entry Tag)}
    (hne : es.length ≤ N) (hnf : fs.length ≤ N) (he : verify S k es = true) (hf : verify S k fs = true) :
    fs <+: es ∨ ∃ m t, (m, t) ∈ signed S S.genesis 0 fs ∧ t = S.mac k m ∧ ∀ t', (m, t') ∉ signed S S.genesis 0 es :=
  prefix_or_forgery_from S k hF S.genesis 0 es fs (by omega) (by omega) he hf

/-- Any ledger that verifies and has as many entries as the honest one is the honest one, or carries a correct tag on
a message that the writer never signed. -/
theorem eq_or_forgery (hF : S.Framed N) {es fs : List (Entry Tag)} (hN : es.length ≤ N)
    (he : verify S k es = true) (hf : verify S k fs = true) (hlen : fs.length = es.length) :
    fs = es ∨ ∃ m t, (m, t) ∈ signed S S.genesis 0 fs ∧ t = S.mac k m ∧ ∀ t', (m, t') ∉ signed S S.genesis 0 es := by
  rcases prefix_or_forgery S k hF hN (by omega) he hf with hp | h
  · exact .inl (hp.eq_of_length hlen)
  · exact .inr h

end Ledger
