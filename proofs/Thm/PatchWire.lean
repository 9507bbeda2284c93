import Model.PatchWire
import Thm.PatchCompose
/-!
# What was written is read
-/

namespace PatchWire

open Patch (Bytes Op applyOps)

theorem putVarint_ne_nil (n : Nat) : putVarint n ≠ [] := by
  unfold putVarint
  cases n with
  | zero => simp [digits]
  | succ n => unfold digits; split <;> simp

theorem takeNat_digits {n fuel : Nat} (h : n ≤ fuel) (rest : Bytes) : takeNat (digits fuel n ++ rest) = some (n, rest) := by
  induction fuel generalizing n with
  | zero =>
    have : n = 0 := by omega
    subst this
    rfl
  | succ fuel ih =>
    unfold digits
    split
    · rename_i h
      have : (UInt8.ofNat n).toNat = n := by simp [UInt8.toNat_ofNat']; omega
      simp [takeNat, this, h]
    · rename_i h
      have : (UInt8.ofNat (n % 128 + 128)).toNat = n % 128 + 128 := by simp [UInt8.toNat_ofNat']; omega
      have hr := ih (n := n / 128) (by omega)
      simp only [List.cons_append, takeNat, this, hr, if_neg (show ¬ n % 128 + 128 < 128 by omega)]
      congr 2
      omega

theorem takeNat_putVarint (n : Nat) (rest : Bytes) : takeNat (putVarint n ++ rest) = some (n, rest) :=
  takeNat_digits (Nat.le_refl n) rest

/-- **A length is read as it was written**, up to 2^53 − 1. -/
theorem takeVarint_putVarint {n : Nat} (h : n ≤ lengthMax) (rest : Bytes) :
    takeVarint (putVarint n ++ rest) = some (n, rest) := by
  simp [takeVarint, takeNat_putVarint, h]

/-- No length is the beginning of another one: what follows it is found. -/
theorem putVarint_injective {n m : Nat} {s t : Bytes} (h : putVarint n ++ s = putVarint m ++ t) : n = m ∧ s = t := by
  have hn := takeNat_putVarint n s
  rw [h, takeNat_putVarint] at hn
  simp_all

theorem takeBytes_append (a b : Bytes) : takeBytes a.length (a ++ b) = some (a, b) := by
  simp [takeBytes]

theorem decodeOne_splice {copied : Nat} {removed inserted : Bytes} {rest : Streams} (hc : copied ≤ lengthMax)
    (hr : 2 * removed.length ≤ lengthMax) (hi : inserted.length ≤ lengthMax) :
    decodeOne ⟨putVarint copied ++ putVarint (2 * removed.length) ++ putVarint inserted.length ++ rest.ops,
        removed ++ inserted ++ rest.data, rest.masks⟩ =
      some ((if copied = 0 then [] else [.copy copied]) ++ [.splice removed inserted], rest) := by
  simp only [decodeOne, List.append_assoc, takeVarint_putVarint hc, takeVarint_putVarint hr, takeVarint_putVarint hi,
    Nat.mul_div_cancel_left removed.length (Nat.zero_lt_succ 1), takeBytes_append]
  rw [if_neg (by omega)]

theorem decodeOne_xor {copied : Nat} {mask : Bytes} {rest : Streams} (hc : copied ≤ lengthMax)
    (hm : 2 * mask.length + 1 ≤ lengthMax) :
    decodeOne ⟨putVarint copied ++ putVarint (2 * mask.length + 1) ++ rest.ops, rest.data, mask ++ rest.masks⟩ =
      some ((if copied = 0 then [] else [.copy copied]) ++ [.xor mask], rest) := by
  have h2 : (2 * mask.length + 1) / 2 = mask.length := by omega
  simp only [decodeOne, List.append_assoc, takeVarint_putVarint hc, takeVarint_putVarint hm, h2, takeBytes_append]
  rw [if_pos (by omega)]

theorem decodeFrom_encodeFrom {ops : List Op} {copied fuel : Nat} (h : Fits copied ops)
    (hf : (encodeFrom copied ops).ops.length ≤ fuel) :
    decodeFrom fuel (encodeFrom copied ops) = some (written copied ops) := by
  have pos : ∀ n, 0 < (putVarint n).length := fun n => List.length_pos_iff.2 (putVarint_ne_nil n)
  induction ops generalizing copied fuel with
  | nil => cases fuel <;> simp [encodeFrom, decodeFrom, written]
  | cons op ops ih =>
    cases op with
    | copy n => exact ih (copied := copied + n) h hf
    | splice removed inserted =>
      obtain ⟨hc, hr, hi, hrest⟩ := h
      simp only [encodeFrom, written] at hf ⊢
      split
      · rename_i he
        rw [if_pos he] at hrest hf
        exact ih hrest hf
      · rename_i he
        rw [if_neg he] at hrest hf
        cases fuel with
        | zero => simp [putVarint_ne_nil] at hf
        | succ fuel =>
          unfold decodeFrom
          rw [if_neg (by simp [putVarint_ne_nil])]
          simp only [decodeOne_splice hc hr hi]
          have := pos copied
          rw [ih hrest (by simp at hf; omega)]
          simp
    | xor mask =>
      obtain ⟨hc, hm, hrest⟩ := h
      simp only [encodeFrom, written] at hf ⊢
      split
      · rename_i he
        rw [if_pos he] at hrest hf
        exact ih hrest hf
      · rename_i he
        rw [if_neg he] at hrest hf
        cases fuel with
        | zero => simp [putVarint_ne_nil] at hf
        | succ fuel =>
          unfold decodeFrom
          rw [if_neg (by simp [putVarint_ne_nil])]
          simp only [decodeOne_xor hc hm]
          have := pos copied
          rw [ih hrest (by simp at hf; omega)]
          simp

/-- **What was written is read**: of any ops whose lengths can be written, with neighbouring copies joined, nothing empty
and no copy at the end. -/
theorem decode_encode_written {ops : List Op} (h : Fits 0 ops) : decode (encode ops) = some (written 0 ops) :=
  decodeFrom_encodeFrom h (Nat.le_refl _)

theorem written_normal {ops : List Op} (h : Normal ops) : written 0 ops = ops ∧
    ∀ n, 0 < n → BeginsChanging ops → written n ops = .copy n :: ops := by
  induction ops with
  | nil => exact ⟨rfl, fun _ _ hm => hm.elim⟩
  | cons op ops ih =>
    cases op with
    | copy n =>
      obtain ⟨hn, hm, hrest⟩ := h
      refine ⟨?_, fun _ _ hm => hm.elim⟩
      show written (0 + n) ops = _
      rw [Nat.zero_add]
      exact (ih hrest).2 n hn hm
    | splice removed inserted =>
      obtain ⟨he, hrest⟩ := h
      have := (ih hrest).1
      exact ⟨by simp [written, he, this], fun n hn _ => by simp [written, he, this, Nat.ne_of_gt hn]⟩
    | xor mask =>
      obtain ⟨he, hrest⟩ := h
      have := (ih hrest).1
      exact ⟨by simp [written, he, this], fun n hn _ => by simp [written, he, this, Nat.ne_of_gt hn]⟩

/-- **Decoding undoes encoding**: normalized ops whose lengths can be written are read as they were. -/
theorem decode_encode {ops : List Op} (h : Fits 0 ops) (hn : Normal ops) : decode (encode ops) = some ops := by
  rw [decode_encode_written h, (written_normal hn).1]

theorem applyOps_copy_append {n : Nat} {ops : List Op} {a b t : Bytes} (h : applyOps ops b = some t) (ha : a.length = n) :
    applyOps (.copy n :: ops) (a ++ b) = some (a ++ t) :=
  Patch.applyOps_cons.2 ⟨a, b, a, t, rfl, rfl, by simp [Op.out, ha], h⟩

theorem applyOps_after_copy {copied : Nat} {op : Op} {ops : List Op} {a s t : Bytes} (ha : a.length = copied)
    (h : applyOps (op :: ops) s = some t) :
    applyOps ((if copied = 0 then [] else [.copy copied]) ++ op :: ops) (a ++ s) = some (a ++ t) := by
  split
  · have : a = [] := List.length_eq_zero_iff.1 (by omega)
    simpa [this] using h
  · exact applyOps_copy_append h ha

theorem applyOps_written {ops : List Op} {copied : Nat} {a s t : Bytes} (ha : a.length = copied)
    (h : applyOps ops s = some t) : applyOps (written copied ops) (a ++ s) = some (a ++ t) := by
  induction ops generalizing copied a s t with
  | nil => cases h; rfl
  | cons op ops ih =>
    obtain ⟨a', b, x, y, rfl, rfl, hx, hy⟩ := Patch.applyOps_cons.1 h
    have ih0 : applyOps (written 0 ops) b = some y := ih (a := []) rfl hy
    have hop := applyOps_after_copy ha (Patch.applyOps_cons.2 ⟨a', b, x, y, rfl, rfl, hx, ih0⟩)
    cases op with
    | copy n =>
      obtain ⟨hl, rfl⟩ := Patch.out_copy.1 hx
      have := ih (copied := copied + n) (a := a ++ x) (by simp [ha, hl]) hy
      simpa [written] using this
    | splice removed inserted =>
      simp only [written]
      by_cases he : removed = [] ∧ inserted = []
      · rw [if_pos he]
        obtain ⟨rfl, rfl⟩ := Patch.out_splice.1 hx
        simpa [he.1, he.2] using ih ha hy
      · rw [if_neg he]
        exact hop
    | xor mask =>
      simp only [written]
      by_cases he : mask = []
      · rw [if_pos he]
        obtain ⟨hl, rfl⟩ := Patch.out_xor.1 hx
        subst he
        have : a' = [] := List.length_eq_zero_iff.1 hl
        subst this
        simpa [Patch.xorBytes] using ih ha hy
      · rw [if_neg he]
        exact hop

/-- Writing and reading keeps the meaning of any ops: where they apply, what is read makes the same of it. -/
theorem decode_encode_applies {ops : List Op} (h : Fits 0 ops) {s t : Bytes} (ht : applyOps ops s = some t) :
    ∃ read, decode (encode ops) = some read ∧ applyOps read s = some t :=
  ⟨_, decode_encode_written h, by simpa using applyOps_written (a := []) rfl ht⟩

/-! ## Normalized ops are read as they were -/

/-- Nothing empty, and no two copies side by side. -/
def Joined : List Op → Prop
  | [] => True
  | op :: ops => op.isEmpty = false ∧ (∀ n, op = .copy n → ∀ m rest, ops ≠ .copy m :: rest) ∧ Joined ops

theorem joined_join {op : Op} {ops : List Op} (he : op.isEmpty = false) (h : Joined ops) : Joined (op.join ops) := by
  unfold Op.join
  split
  · rename_i n m ops
    obtain ⟨_, h2, h3⟩ := h
    refine ⟨?_, fun k _ => h2 m rfl, h3⟩
    simp_all [Op.isEmpty, Op.consumes, Op.produces]
  · obtain ⟨_, _, h3⟩ := h
    refine ⟨?_, nofun, h3⟩
    simp_all [Op.isEmpty, Op.consumes, Op.produces]
  · obtain ⟨_, _, h3⟩ := h
    refine ⟨?_, nofun, h3⟩
    simp_all [Op.isEmpty, Op.consumes, Op.produces]
  · rename_i h1 _ _
    exact ⟨he, fun n hn m rest e => h1 n m rest hn e, h⟩

theorem joined_joinNeighbours (ops : List Op) : Joined (Patch.joinNeighbours ops) := by
  induction ops with
  | nil => trivial
  | cons op ops ih =>
    unfold Patch.joinNeighbours
    split
    · exact ih
    · rename_i he
      exact joined_join (Bool.not_eq_true _ ▸ he) ih

theorem normal_dropLastCopy {ops : List Op} (h : Joined ops) : Normal (Patch.dropLastCopy ops) := by
  induction ops with
  | nil => trivial
  | cons op ops ih =>
    obtain ⟨he, hc, hj⟩ := h
    unfold Patch.dropLastCopy
    split
    · trivial
    · trivial
    · rename_i hlast e
      cases e
      have hn := ih hj
      cases op with
      | copy n =>
        refine ⟨by simp [Op.isEmpty, Op.consumes, Op.produces] at he; omega, ?_, hn⟩
        cases ops with
        | nil => exact absurd rfl (hlast n rfl)
        | cons o os =>
          cases o with
          | copy m => exact absurd rfl (hc n rfl m os)
          | splice r i => simp [Patch.dropLastCopy, BeginsChanging]
          | xor m => simp [Patch.dropLastCopy, BeginsChanging]
      | splice r i => exact ⟨by simp_all [Op.isEmpty, Op.consumes, Op.produces], hn⟩
      | xor m => exact ⟨by simp_all [Op.isEmpty, Op.consumes, Op.produces], hn⟩

/-- **Normalized ops are read as they were written.** -/
theorem decode_encode_normalize {ops : List Op} (h : Fits 0 (Patch.normalize ops)) :
    decode (encode (Patch.normalize ops)) = some (Patch.normalize ops) :=
  decode_encode h (normal_dropLastCopy (joined_joinNeighbours ops))

/-! ## Witnesses -/

private def sample : List Op := [.copy 200, .splice [2] [7, 8], .splice [] [9], .copy 1, .xor [1, 3]]
example : encode sample = ⟨[200, 1, 2, 2, 0, 0, 1, 1, 5], [2, 7, 8, 9], [1, 3]⟩ := by decide
example : Fits 0 sample ∧ Normal sample := by simp [sample, Fits, Normal, BeginsChanging, lengthMax]
example : decode (encode sample) = some sample := by decide
example : decode (encode [.copy 1, .copy 2, .xor [], .xor [7], .copy 5]) = some [.copy 3, .xor [7]] := by decide
example : decode ⟨[0, 3], [], [7]⟩ = some [.xor [7]] ∧ decode ⟨[0, 3], [], []⟩ = none ∧
    decode ⟨[0, 3], [1], [7]⟩ = none := by decide
/-- A length of 2^53 is refused. -/
example : takeVarint (putVarint (lengthMax + 1)) = none := by
  have := takeNat_putVarint (lengthMax + 1) []
  simp_all [takeVarint]
/-- Numbers without the bit that says whether more follows would run together: these are 1 and 2, and not 257. -/
example : putVarint 1 ++ putVarint 2 ≠ putVarint 257 := by decide

end PatchWire
