import Thm.LedgerChain

/-!
# Tampering, 2: someone who has the key, against a trusted checkpoint

A checkpoint is (entry count, last tag), kept where the attacker cannot write. Two different ledgers that both verify
against it give a collision of the MAC, and `collide` computes it.
-/

namespace Ledger

variable {Key Tag : Type} [DecidableEq Tag] (S : Scheme Key Tag) (k : Key) {N : Nat}

theorem collide_spec (hF : S.Framed N) (p q : Tag) (n : Nat) (es fs : List (Entry Tag)) (hN : n + es.length ≤ N)
    (he : verifyFrom S k p n es = true) (hf : verifyFrom S k q n fs = true)
    (hlen : es.length = fs.length) (hlast : lastTag p es = lastTag q fs) :
    (∃ m m', collide S p q n es fs = some (m, m') ∧ m ≠ m' ∧ S.mac k m = S.mac k m') ∨
    (collide S p q n es fs = none ∧ p = q ∧ es = fs) := by
  induction es generalizing p q n fs with
  | nil =>
    cases fs with
    | nil => exact .inr ⟨rfl, hlast, rfl⟩
    | cons f fs => cases hlen
  | cons e es ih =>
    cases fs with
    | nil => cases hlen
    | cons f fs =>
      simp only [verifyFrom, Bool.and_eq_true, beq_iff_eq] at he hf
      obtain ⟨⟨hec, het⟩, hev⟩ := he
      obtain ⟨⟨hfc, hft⟩, hfv⟩ := hf
      simp only [List.length_cons] at hN
      rcases ih e.tag f.tag (n + 1) fs (by omega) hev hfv (Nat.succ.inj hlen) hlast with ⟨m, m', hc, hne, hmac⟩ | ⟨hc, htag, hes⟩
      · exact .inl ⟨m, m', by simp [collide, hc], hne, hmac⟩
      · by_cases hm : S.frame p n e.payload = S.frame q n f.payload
        · obtain ⟨hpq, _, hb⟩ := hF (by omega) (by omega) hm
          refine .inr ⟨by simp [collide, hc, hm], hpq, ?_⟩
          have : e = f := by cases e; cases f; simp_all
          rw [this, hes]
        · refine .inl ⟨_, _, by simp only [collide, hc, if_neg hm], hm, ?_⟩
          rw [← het, ← hft, htag]

/-- Two different ledgers that one checkpoint accepts yield, by the function collide, two different messages with the
same tag. -/
theorem tamper_yields_collision (hF : S.Framed N) {cp : Checkpoint Tag} {es fs : List (Entry Tag)} (hN : es.length ≤ N)
    (he : accepts S k cp es = true) (hf : accepts S k cp fs = true) (hne : es ≠ fs) :
    ∃ m m', collide S S.genesis S.genesis 0 es fs = some (m, m') ∧ m ≠ m' ∧ S.mac k m = S.mac k m' := by
  simp only [accepts, Bool.and_eq_true, decide_eq_true_eq] at he hf
  have hcp := he.2.trans hf.2.symm
  simp only [checkpoint, Checkpoint.mk.injEq] at hcp
  rcases collide_spec S k hF S.genesis S.genesis 0 es fs (by omega) he.1 hf.1 hcp.1 hcp.2 with h | ⟨_, _, h⟩
  · exact h
  · exact absurd h hne

/-- If no two messages have the same tag, the checkpoint of a ledger accepts no other ledger: no edit, insertion,
deletion, reordering, truncation or extension. -/
theorem change_detected (hF : S.Framed N) (hC : NoCollision S k) {es fs : List (Entry Tag)} (hN : es.length ≤ N)
    (he : verify S k es = true) (hne : fs ≠ es) : accepts S k (checkpoint S es) fs = false := by
  rcases hb : accepts S k (checkpoint S es) fs with _ | _
  · rfl
  · have he' : accepts S k (checkpoint S es) es = true := by simp [accepts, he]
    have hlen : fs.length = es.length := by
      simp only [accepts, checkpoint, Bool.and_eq_true, decide_eq_true_eq, Checkpoint.mk.injEq] at hb
      exact hb.2.1
    obtain ⟨m, m', _, hne', hmac⟩ := tamper_yields_collision S k hF (by omega) hb he' hne
    exact absurd (hC _ _ hmac) hne'

/-- If no two messages have the same tag, the checkpoint of a ledger refuses it after any one entry is edited. -/
theorem edit_detected (hF : S.Framed N) (hC : NoCollision S k) {es : List (Entry Tag)} (hN : es.length ≤ N)
    (he : verify S k es = true) (i : Nat) (hi : i < es.length) (e : Entry Tag) (hne : e ≠ es[i]) :
    accepts S k (checkpoint S es) (es.set i e) = false := by
  refine change_detected S k hF hC hN he fun h => hne ?_
  have := List.getElem_of_eq h (i := i) (by simpa using hi)
  simpa using this

/-- A checkpoint refuses every ledger of another length, whatever the tags are. -/
theorem length_detected {es fs : List (Entry Tag)} (h : fs.length ≠ es.length) :
    accepts S k (checkpoint S es) fs = false := by
  simp [accepts, checkpoint, h]

/-- A checkpoint refuses the ledger after any one entry is deleted, whatever the tags are. -/
theorem deletion_detected {es : List (Entry Tag)} (i : Nat) (hi : i < es.length) :
    accepts S k (checkpoint S es) (es.eraseIdx i) = false := by
  exact length_detected S k (by rw [List.length_eraseIdx_of_lt hi]; omega)

/-- A checkpoint refuses the ledger after an entry is inserted anywhere, whatever the tags are. -/
theorem insertion_detected {es : List (Entry Tag)} (i : Nat) (hi : i ≤ es.length) (e : Entry Tag) :
    accepts S k (checkpoint S es) (es.insertIdx i e) = false := by
  exact length_detected S k (by rw [List.length_insertIdx_of_le_length hi]; omega)

/-- A checkpoint refuses the ledger after its end is cut off, whatever the tags are. -/
theorem truncation_detected {es : List (Entry Tag)} (n : Nat) (hn : n < es.length) :
    accepts S k (checkpoint S es) (es.take n) = false := by
  exact length_detected S k (by rw [List.length_take]; omega)

/-- A ledger whose entries were put into another order does not verify, whatever the tags are. -/
theorem reorder_detected {es fs : List (Entry Tag)} (he : verify S k es = true)
    (hp : fs.Perm es) (hne : fs ≠ es) : verify S k fs = false := by
  rcases hb : verify S k fs with _ | _
  · rfl
  · exfalso
    apply hne
    have h1 := counters_increasing S k he
    have h2 := counters_increasing S k hb
    rw [List.pairwise_map] at h1 h2
    exact List.Perm.eq_of_pairwise (le := fun a b : Entry Tag => a.counter < b.counter)
      (fun a b _ _ hab hba => absurd hab (by omega)) h2 h1 hp

end Ledger
