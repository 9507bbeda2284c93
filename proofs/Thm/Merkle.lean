import Model.Merkle

/-!
# An inclusion proof verifies for the real leaf, and for no other without a hash collision
-/

namespace Merkle

variable {Leaf H : Type} (F : Hash Leaf H)

theorem root_split {ls : List Leaf} (h : 2 ≤ ls.length) :
    root F ls = F.node (root F (ls.take (splitAt ls.length))) (root F (ls.drop (splitAt ls.length))) := by
  match ls, h with
  | a :: b :: rest, _ => rw [root]

/-- From a real leaf and its audit path the verifier computes the root of the tree. -/
theorem climb_path (ls : List Leaf) (m : Nat) (l : Leaf) (hl : ls[m]? = some l) :
    climb F (F.leaf l) m ls.length (path F m ls) = some (root F ls) := by
  have hm : m < ls.length := (List.getElem?_eq_some_iff.1 hl).1
  by_cases h : 2 ≤ ls.length
  · have hk := splitAt_lt h
    have hk0 := splitAt_pos ls.length
    rw [root_split F h, path, dif_pos h, climb, dif_pos h]
    by_cases hmk : m < splitAt ls.length
    · have hlen : (ls.take (splitAt ls.length)).length = splitAt ls.length := by
        rw [List.length_take]; omega
      have ih := climb_path (ls.take (splitAt ls.length)) m l (by rw [List.getElem?_take_of_lt hmk]; exact hl)
      rw [hlen] at ih
      simp only [if_pos hmk, List.getLast?_concat, List.dropLast_concat, ih, Option.map_some]
    · have hlen : (ls.drop (splitAt ls.length)).length = ls.length - splitAt ls.length := List.length_drop
      have ih := climb_path (ls.drop (splitAt ls.length)) (m - splitAt ls.length) l
        (by rw [List.getElem?_drop, Nat.add_sub_cancel' (by omega)]; exact hl)
      rw [hlen] at ih
      simp only [if_neg hmk, List.getLast?_concat, List.dropLast_concat, ih, Option.map_some]
  · match ls, hm, h with
    | [l'], hm, _ =>
      have : m = 0 := by simpa using hm
      subst this
      have hl' : l' = l := by simpa using hl
      subst hl'
      rw [climb, path, root]; simp
    | a :: b :: rest, _, h => exact absurd (by simp only [List.length_cons]; omega) h
termination_by ls.length
decreasing_by
  · rw [List.length_take]; omega
  · rw [List.length_drop]; omega

/-- If the verifier computes the root from some leaf and some path, the leaf is the one at that index, or a hash
collision is at hand. -/
theorem climb_sound (ls : List Leaf) (m : Nat) (hm : m < ls.length) (l : Leaf) (p : List H)
    (hv : climb F (F.leaf l) m ls.length p = some (root F ls)) : ls[m]? = some l ∨ Collision F := by
  by_cases h : 2 ≤ ls.length
  · have hk := splitAt_lt h
    have hk0 := splitAt_pos ls.length
    rw [root_split F h, climb, dif_pos h] at hv
    split at hv
    · cases hv
    · rename_i s hp
      by_cases hmk : m < splitAt ls.length
      · have hlen : (ls.take (splitAt ls.length)).length = splitAt ls.length := by
          rw [List.length_take]; omega
        simp only [if_pos hmk, Option.map_eq_some_iff] at hv
        obtain ⟨x, hx, hnode⟩ := hv
        by_cases heq : x = root F (ls.take (splitAt ls.length))
        · have ih := climb_sound (ls.take (splitAt ls.length)) m (by omega) l p.dropLast (by rw [hlen, ← heq]; exact hx)
          rw [List.getElem?_take_of_lt hmk] at ih
          exact ih
        · exact .inr (.inr ⟨_, _, _, _, fun e => heq (congrArg Prod.fst e), hnode⟩)
      · have hlen : (ls.drop (splitAt ls.length)).length = ls.length - splitAt ls.length := List.length_drop
        simp only [if_neg hmk, Option.map_eq_some_iff] at hv
        obtain ⟨x, hx, hnode⟩ := hv
        by_cases heq : x = root F (ls.drop (splitAt ls.length))
        · have ih := climb_sound (ls.drop (splitAt ls.length)) (m - splitAt ls.length) (by omega) l p.dropLast
            (by rw [hlen, ← heq]; exact hx)
          rw [List.getElem?_drop, Nat.add_sub_cancel' (by omega)] at ih
          exact ih
        · exact .inr (.inr ⟨_, _, _, _, fun e => heq (congrArg Prod.snd e), hnode⟩)
  · match ls, hm, h with
    | [l'], hm, _ =>
      have : m = 0 := by simpa using hm
      subst this
      rw [climb, root] at hv
      have hv' : F.leaf l = F.leaf l' := by
        cases p <;> simp_all
      by_cases heq : l = l'
      · exact .inl (by simp [heq])
      · exact .inr (.inl ⟨l, l', heq, hv'⟩)
    | a :: b :: rest, _, h => exact absurd (by simp only [List.length_cons]; omega) h
termination_by ls.length
decreasing_by
  · rw [List.length_take]; omega
  · rw [List.length_drop]; omega

/-- The audit path of a real leaf verifies. -/
theorem verify_complete [DecidableEq H] (ls : List Leaf) (m : Nat) (l : Leaf) (hl : ls[m]? = some l) :
    verify F (root F ls) l m ls.length (path F m ls) = true := by
  simp [verify, (List.getElem?_eq_some_iff.1 hl).1, climb_path F ls m l hl]

/-- An inclusion proof that verifies is for the leaf at that index, or a hash collision is at hand. -/
theorem verify_sound [DecidableEq H] (ls : List Leaf) (m : Nat) (l : Leaf) (p : List H)
    (hv : verify F (root F ls) l m ls.length p = true) : ls[m]? = some l ∨ Collision F := by
  simp only [verify, Bool.and_eq_true, decide_eq_true_eq] at hv
  exact climb_sound F ls m hv.1 l p hv.2

end Merkle
