import Model.PatchFile
import Thm.PatchWire
/-!
# A patch file is read as it was written
-/

namespace PatchFile

open Patch (Bytes Op ContentId applyOps)
open PatchWire

/-! ## Byte planes -/

theorem toPlanes_length (b : Bytes) (stride : Nat) : (toPlanes b stride).length = b.length := by
  have := Nat.div_mul_le_self b.length stride
  simp [toPlanes]
  omega

/-- **Byte planes are put together as they were taken apart**, for numbers of any width. -/
theorem fromPlanes_toPlanes (b : Bytes) {stride : Nat} (hs : 0 < stride) : fromPlanes (toPlanes b stride) stride = b := by
  have hle := Nat.div_mul_le_self b.length stride
  have hdrop : (toPlanes b stride).drop (b.length / stride * stride) = b.drop (b.length / stride * stride) := by
    unfold toPlanes
    exact List.drop_left' (by simp)
  unfold fromPlanes
  simp only [toPlanes_length, hdrop]
  generalize hc : b.length / stride = count at hle hdrop ⊢
  conv => rhs; rw [← List.take_append_drop (count * stride) b]
  congr 1
  apply List.ext_getElem
  · simp; omega
  · intro j h1 h2
    have hj : j < count * stride := by simpa using h1
    have hq : j / stride < count := Nat.div_lt_of_lt_mul (by rw [Nat.mul_comm]; exact hj)
    have hr : j % stride < stride := Nat.mod_lt j hs
    have hpos : 0 < count := Nat.lt_of_le_of_lt (Nat.zero_le _) hq
    have hk : j % stride * count + j / stride < count * stride := by
      have : (j % stride + 1) * count ≤ stride * count := Nat.mul_le_mul_right count hr
      rw [Nat.succ_mul, Nat.mul_comm stride] at this
      omega
    have hmod : (j % stride * count + j / stride) % count = j / stride := by
      rw [Nat.add_comm, Nat.add_mul_mod_self_right, Nat.mod_eq_of_lt hq]
    have hdiv : (j % stride * count + j / stride) / count = j % stride := by
      rw [Nat.add_comm, Nat.add_mul_div_right _ _ hpos, Nat.div_eq_of_lt hq, Nat.zero_add]
    have hback : j / stride * stride + j % stride = j := by rw [Nat.mul_comm]; exact Nat.div_add_mod j stride
    have hget : (toPlanes b stride).getD (j % stride * count + j / stride) 0 = b.getD j 0 := by
      unfold toPlanes
      simp only [hc]
      rw [List.getD_eq_getElem?_getD, List.getElem?_append_left (by simpa using hk), List.getElem?_map,
        List.getElem?_range hk, Option.map_some, Option.getD_some, hmod, hdiv, hback]
    simp only [List.getElem_map, List.getElem_range, hget, List.getElem_take]
    rw [List.getD_eq_getElem?_getD, List.getElem?_eq_getElem (by omega), Option.getD_some]

/-! ## Header -/

/-- **The header is read as it was written**: both hashes, both lengths, and what follows. -/
theorem takeHeader_putHeader {source target : ContentId Bytes} (h1 : source.sha256.length = 32) (h2 : target.sha256.length = 32)
    (h3 : source.bytes ≤ lengthMax) (h4 : target.bytes ≤ lengthMax) (rest : Bytes) :
    takeHeader (putHeader source target ++ rest) = some ((source, target), rest) := by
  have e1 : ∀ s, takeBytes magic.length (magic ++ s) = some (magic, s) := takeBytes_append magic
  have e2 : ∀ s, takeBytes 32 (source.sha256 ++ s) = some (source.sha256, s) := fun s => by
    rw [← h1]; exact takeBytes_append _ s
  have e3 : ∀ s, takeBytes 32 (target.sha256 ++ s) = some (target.sha256, s) := fun s => by
    rw [← h2]; exact takeBytes_append _ s
  simp [takeHeader, putHeader, List.append_assoc, e1, e2, e3, takeVarint_putVarint h3, takeVarint_putVarint h4]

/-! ## Blocks -/

theorem lengthMax_big : streamMax ≤ lengthMax := by simp [streamMax, lengthMax]

theorem takeSizes_putSizes {raw stored : Bytes} (h1 : raw.length ≤ streamMax) (h2 : stored.length ≤ raw.length) (rest : Bytes) :
    takeSizes (putSizes raw stored ++ rest) = some ((raw.length, stored.length), rest) := by
  have := lengthMax_big
  have e1 := takeVarint_putVarint (n := raw.length) (by omega)
  have e2 := takeVarint_putVarint (n := stored.length) (by omega)
  simp [takeSizes, putSizes, List.append_assoc, e1, e2, h1, h2]

theorem takeStream_pack {c : Codecs} (hc : c.Lawful) (raw rest : Bytes) :
    takeStream c (c.pack raw).1 (raw.length, (c.pack raw).2.length) ((c.pack raw).2 ++ rest) = some (raw, rest) := by
  simp [takeStream, takeBytes_append, (hc raw).2.2]

/-- **A block is read as it was written**, whatever the codecs, as long as each gives back what it was given. -/
theorem takeBlock_putBlock {c : Codecs} (hc : c.Lawful) {stride : Nat} (hs : stride ∈ strides) {s : Streams}
    (h1 : s.ops.length ≤ streamMax) (h2 : s.data.length ≤ streamMax) (h3 : s.masks.length ≤ streamMax) (rest : Bytes) :
    takeBlock c (putBlock c stride s ++ rest) = some (s, rest) := by
  have h3' : (toPlanes s.masks stride).length ≤ streamMax := by rw [toPlanes_length]; exact h3
  have hpos : 0 < stride ∧ stride ≤ 8 := by simp [strides] at hs; omega
  have l1 := hc s.ops
  have l2 := hc s.data
  have l3 := hc (toPlanes s.masks stride)
  have ec : (UInt8.ofNat ((c.pack s.ops).1 + 4 * (c.pack s.data).1 + 16 * (c.pack (toPlanes s.masks stride)).1)).toNat =
      (c.pack s.ops).1 + 4 * (c.pack s.data).1 + 16 * (c.pack (toPlanes s.masks stride)).1 := by
    simp [UInt8.toNat_ofNat']; omega
  have es : (UInt8.ofNat stride).toNat = stride := by simp [UInt8.toNat_ofNat']; omega
  have d1 : ((c.pack s.ops).1 + 4 * (c.pack s.data).1 + 16 * (c.pack (toPlanes s.masks stride)).1) % 4 = (c.pack s.ops).1 := by
    omega
  have d2 : ((c.pack s.ops).1 + 4 * (c.pack s.data).1 + 16 * (c.pack (toPlanes s.masks stride)).1) / 4 % 4 =
      (c.pack s.data).1 := by omega
  have d3 : ((c.pack s.ops).1 + 4 * (c.pack s.data).1 + 16 * (c.pack (toPlanes s.masks stride)).1) / 16 =
      (c.pack (toPlanes s.masks stride)).1 := by omega
  have hno : ¬(64 ≤ (c.pack s.ops).1 + 4 * (c.pack s.data).1 + 16 * (c.pack (toPlanes s.masks stride)).1 ∨ stride ∉ strides) := by
    intro h
    rcases h with h | h
    · omega
    · exact h hs
  simp only [takeBlock, putBlock, List.cons_append, ec, es, if_neg hno, List.append_assoc, d1, d2, d3,
    takeSizes_putSizes h1 l1.2.1, takeSizes_putSizes h2 l2.2.1, takeSizes_putSizes h3' l3.2.1, takeStream_pack hc,
    Option.bind_eq_bind, Option.bind_some, fromPlanes_toPlanes s.masks hpos.1]

/-! ## Files -/

theorem written_append (ops more : List Op) (copied : Nat) :
    written copied (ops ++ more) = written copied ops ++ written (carried copied ops) more := by
  induction ops generalizing copied with
  | nil => rfl
  | cons op ops ih =>
    cases op with
    | copy n => exact ih (copied + n)
    | splice removed inserted =>
      simp only [List.cons_append, written, carried]
      by_cases he : removed = [] ∧ inserted = []
      · simp only [if_pos he, ih]
      · simp [if_neg he, ih]
    | xor mask =>
      simp only [List.cons_append, written, carried]
      by_cases he : mask = []
      · simp only [if_pos he, ih]
      · simp [if_neg he, ih]

theorem putBlock_ne_nil (c : Codecs) (stride : Nat) (s : Streams) : putBlock c stride s ≠ [] := by simp [putBlock]

theorem takeBlocks_putBlocks {c : Codecs} (hc : c.Lawful) {blocks : List (Nat × List Op)} {copied fuel : Nat}
    (h : BlocksFit copied blocks) (hf : (putBlocks c copied blocks).length ≤ fuel) :
    takeBlocks c fuel (putBlocks c copied blocks) = some (written copied (blocks.map Prod.snd).flatten) := by
  induction blocks generalizing copied fuel with
  | nil => cases fuel <;> simp [putBlocks, takeBlocks, written]
  | cons block blocks ih =>
    obtain ⟨stride, ops⟩ := block
    obtain ⟨hs, hfit, h1, h2, h3, hrest⟩ := h
    have hpos := List.length_pos_iff.2 (putBlock_ne_nil c stride (encodeFrom copied ops))
    simp only [putBlocks, List.length_append] at hf ⊢
    cases fuel with
    | zero => omega
    | succ fuel =>
      unfold takeBlocks
      rw [if_neg (by simp [putBlock_ne_nil])]
      have hd : decode (encodeFrom copied ops) = some (written copied ops) := decodeFrom_encodeFrom hfit (Nat.le_refl _)
      simp only [takeBlock_putBlock hc hs h1 h2 h3, hd, ih hrest (fuel := fuel) (by omega), Option.bind_eq_bind,
        Option.bind_some, List.map_cons, List.flatten_cons, written_append]

/-- **A patch file is read as it was written**: both contents' hashes and lengths, and the ops of all blocks, with
neighbouring copies joined, nothing empty and no copy at the end. -/
theorem takeFile_putFile {c : Codecs} (hc : c.Lawful) {source target : ContentId Bytes} {blocks : List (Nat × List Op)}
    (h1 : source.sha256.length = 32) (h2 : target.sha256.length = 32) (h3 : source.bytes ≤ lengthMax)
    (h4 : target.bytes ≤ lengthMax) (h : BlocksFit 0 blocks) :
    takeFile c (putFile c source target blocks) = some ⟨source, target, written 0 (blocks.map Prod.snd).flatten⟩ := by
  simp [takeFile, putFile, takeHeader_putHeader h1 h2 h3 h4, takeBlocks_putBlocks hc h (Nat.le_refl _)]

/-- The file says the same change: what the ops made of a content, those that are read make of it. -/
theorem takeFile_applies {c : Codecs} (hc : c.Lawful) {source target : ContentId Bytes} {blocks : List (Nat × List Op)}
    (h1 : source.sha256.length = 32) (h2 : target.sha256.length = 32) (h3 : source.bytes ≤ lengthMax)
    (h4 : target.bytes ≤ lengthMax) (h : BlocksFit 0 blocks) {s t : Bytes}
    (ht : applyOps (blocks.map Prod.snd).flatten s = some t) :
    ∃ p, takeFile c (putFile c source target blocks) = some p ∧ applyOps p.ops s = some t :=
  ⟨_, takeFile_putFile hc h1 h2 h3 h4 h, by simpa using applyOps_written (a := []) rfl ht⟩

/-! ## Witnesses -/

theorem plain_lawful : plain.Lawful := fun raw => ⟨by simp [plain], by simp [plain], by simp [plain]⟩

private def blocks : List (Nat × List Op) := [(1, [.copy 3, .splice [1] [2, 3], .copy 2]), (4, [.copy 5, .xor [1, 2, 3, 4, 5, 6, 7, 8, 9]])]
private def id1 : ContentId Bytes := ⟨List.replicate 32 7, 30⟩
private def id2 : ContentId Bytes := ⟨List.replicate 32 9, 31⟩
example : BlocksFit 0 blocks := by
  refine ⟨by decide, ?_, by decide, by decide, by decide, by decide, ?_, by decide, by decide, by decide, trivial⟩ <;>
    simp [Fits, carried, lengthMax]
example : takeFile plain (putFile plain id1 id2 blocks) =
    some ⟨id1, id2, [.copy 3, .splice [1] [2, 3], .copy 7, .xor [1, 2, 3, 4, 5, 6, 7, 8, 9]]⟩ := by decide
example : toPlanes [1, 2, 3, 4, 5, 6, 7, 8, 9] 4 = [1, 5, 2, 6, 3, 7, 4, 8, 9] := by decide
/-- A byte too many, or one too few, is refused. -/
example : takeFile plain (putFile plain id1 id2 blocks ++ [0]) = none ∧
    takeFile plain (putFile plain id1 id2 blocks).dropLast = none := by decide
/-- Planes of another width than they were made with are another mask. -/
example : fromPlanes (toPlanes [1, 2, 3, 4] 2) 4 ≠ [1, 2, 3, 4] := by decide

end PatchFile
