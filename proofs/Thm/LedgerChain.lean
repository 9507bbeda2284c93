import Model.Ledger

/-!
# `verify` decides exactly "an honest writer with this key made this ledger", and counters tell no gap
-/

namespace Ledger

variable {Key Tag : Type} [DecidableEq Tag] (S : Scheme Key Tag) (k : Key) {N : Nat}

omit [DecidableEq Tag] in
theorem lastTag_append (t : Tag) (es fs : List (Entry Tag)) :
    lastTag t (es ++ fs) = lastTag (lastTag t es) fs := by
  induction es generalizing t with
  | nil => rfl
  | cons e es ih => exact ih e.tag

theorem verifyFrom_append (prev : Tag) (n : Nat) (es fs : List (Entry Tag)) :
    verifyFrom S k prev n (es ++ fs) =
      (verifyFrom S k prev n es && verifyFrom S k (lastTag prev es) (n + es.length) fs) := by
  induction es generalizing prev n with
  | nil => simp [verifyFrom, lastTag]
  | cons e es ih =>
    have : n + 1 + es.length = n + (e :: es).length := by simp only [List.length_cons]; omega
    simp only [List.cons_append, verifyFrom, lastTag, ih, this, Bool.and_assoc]

/-- Appending to a ledger that verifies gives a ledger that verifies. -/
theorem append_verifies {es : List (Entry Tag)} (h : verify S k es = true) (b : Bytes) :
    verify S k (append S k es b) = true := by
  have h' : verifyFrom S k S.genesis 0 es = true := h
  simp [verify, append, verifyFrom_append, h', verifyFrom]

theorem verifyFrom_iff (prev : Tag) (n : Nat) (es : List (Entry Tag)) :
    verifyFrom S k prev n es = true ↔ es = buildFrom S k prev n (es.map (·.payload)) := by
  induction es generalizing prev n with
  | nil => simp [verifyFrom, buildFrom]
  | cons e es ih =>
    obtain ⟨c, b, t⟩ := e
    simp only [verifyFrom, List.map_cons, buildFrom, Bool.and_eq_true, beq_iff_eq, List.cons.injEq,
      Entry.mk.injEq, true_and]
    constructor
    · rintro ⟨⟨hc, ht⟩, hv⟩
      have := (ih t (n + 1)).1 hv
      exact ⟨⟨hc, ht⟩, by rw [← ht]; exact this⟩
    · rintro ⟨⟨hc, ht⟩, hv⟩
      refine ⟨⟨hc, ht⟩, (ih t (n + 1)).2 ?_⟩
      rw [ht]; exact hv

omit [DecidableEq Tag] in
theorem buildFrom_append (prev : Tag) (n : Nat) (bs : List Bytes) (b : Bytes) :
    buildFrom S k prev n (bs ++ [b]) =
      buildFrom S k prev n bs ++
        [⟨n + bs.length, b, S.mac k (S.frame (lastTag prev (buildFrom S k prev n bs)) (n + bs.length) b)⟩] := by
  induction bs generalizing prev n with
  | nil => simp [buildFrom, lastTag]
  | cons a bs ih =>
    have : n + 1 + bs.length = n + (a :: bs).length := by simp only [List.length_cons]; omega
    simp only [List.cons_append, buildFrom, ih, lastTag, this]

omit [DecidableEq Tag] in
theorem buildFrom_length (prev : Tag) (n : Nat) (bs : List Bytes) :
    (buildFrom S k prev n bs).length = bs.length := by
  induction bs generalizing prev n with
  | nil => rfl
  | cons b bs ih => simp [buildFrom, ih]

omit [DecidableEq Tag] in
theorem append_buildFrom (bs : List Bytes) (b : Bytes) :
    append S k (buildFrom S k S.genesis 0 bs) b = buildFrom S k S.genesis 0 (bs ++ [b]) := by
  simp [append, buildFrom_append, buildFrom_length]

omit [DecidableEq Tag] in
theorem build_eq_buildFrom (bs : List Bytes) : build S k bs = buildFrom S k S.genesis 0 bs := by
  have : ∀ (cs ds : List Bytes),
      ds.foldl (append S k) (buildFrom S k S.genesis 0 cs) = buildFrom S k S.genesis 0 (cs ++ ds) := by
    intro cs ds
    induction ds generalizing cs with
    | nil => simp
    | cons d ds ih => rw [List.foldl_cons, append_buildFrom, ih]; simp
  simpa [build, buildFrom] using this [] bs

/-- A ledger verifies if and only if an honest writer with this key makes exactly this ledger from the same payloads.
-/
theorem verify_iff_built (es : List (Entry Tag)) :
    verify S k es = true ↔ es = build S k (es.map (·.payload)) := by
  rw [build_eq_buildFrom]; exact verifyFrom_iff S k S.genesis 0 es

/-! ## Counters -/

theorem verifyFrom_counters {prev : Tag} {n : Nat} {es : List (Entry Tag)}
    (h : verifyFrom S k prev n es = true) : es.map (·.counter) = List.range' n es.length := by
  induction es generalizing prev n with
  | nil => rfl
  | cons e es ih =>
    simp only [verifyFrom, Bool.and_eq_true, beq_iff_eq] at h
    simp [List.range'_succ, h.1.1, ih h.2]

/-- The counters of a ledger that verifies are 0, 1, 2, and so on, without a gap, a repeat or disorder. -/
theorem counters_consecutive {es : List (Entry Tag)} (h : verify S k es = true) :
    es.map (·.counter) = List.range es.length := by
  rw [List.range_eq_range']; exact verifyFrom_counters S k h

/-- No counter occurs twice in a ledger that verifies. -/
theorem counters_nodup {es : List (Entry Tag)} (h : verify S k es = true) : (es.map (·.counter)).Nodup := by
  rw [counters_consecutive S k h]; exact List.nodup_range

/-- The counters of a ledger that verifies increase from entry to entry. -/
theorem counters_increasing {es : List (Entry Tag)} (h : verify S k es = true) :
    (es.map (·.counter)).Pairwise (· < ·) := by
  rw [counters_consecutive S k h]; exact List.pairwise_lt_range

end Ledger
