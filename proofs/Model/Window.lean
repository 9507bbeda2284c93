import Model.Limiter
/-!
# The window with costs, several keys, clocks that go back, and stores that lose something

Models of `src/limiter`: window.ts (`admits`, `stampsStep`), embedded-store.ts and the Redis script (`Store`),
forward-clock.ts (`Clock`), the seeding script (`seed`), shared-store.ts (`shareOf`); and the rivals of the exact window.
Histories are lists of the times of admissions, one for each unit of cost, newest first.
-/

namespace Window

open Limiter (live inWindow)

structure Request where
  time : Nat
  cost : Nat := 1
deriving Repr, DecidableEq

/-- Decisions on one request after another. -/
def run {σ ι : Type} (step : σ → ι → Bool × σ) : σ → List ι → List Bool × σ
  | s, [] => ([], s)
  | s, r :: rs =>
    let next := step s r
    let rest := run step next.2 rs
    (next.1 :: rest.1, rest.2)

/-- No trailing window of length `τ`, at whatever time, holds more than `R` units. -/
def Safe (R τ : Nat) (h : List Nat) : Prop := ∀ t, live τ t h ≤ R

/-- Times do not go back, and do not begin before `now`. -/
def Forward : Nat → List Request → Prop
  | _, [] => True
  | now, r :: rs => now ≤ r.time ∧ Forward r.time rs

/-! ## The definition, and what window.ts does -/

/-- A request is admitted when its window has room for its cost, and charged only then. -/
def step (R τ : Nat) (h : List Nat) (r : Request) : Bool × List Nat :=
  if live τ r.time h + r.cost ≤ R then (true, List.replicate r.cost r.time ++ h) else (false, h)

/-- `admits` of window.ts: looks at one stamp, the one that would become the (R + 1)-th latest. -/
def admits (R τ : Nat) (l : List Nat) (r : Request) : Bool :=
  if R < r.cost then false
  else match l[R - r.cost]? with
    | none => true
    | some stamp => stamp + τ ≤ r.time

/-- A way to forget stamps: what it leaves out of ascending time has left every window of length `τ`. -/
def Forgets (τ : Nat) (pop : Nat → List Nat → List Nat) : Prop :=
  ∀ t l, l.Pairwise (fun a b => b ≤ a) → ∃ old, l = pop t l ++ old ∧ ∀ x ∈ old, x + τ ≤ t

/-- Decides by one stamp, and forgets before it looks and as it charges: window.ts forgets in `charge`, the embedded store
before it looks, the Redis script now and then. -/
def stampsStep (before after : Nat → List Nat → List Nat) (R τ : Nat) (l : List Nat) (r : Request) : Bool × List Nat :=
  let l := before r.time l
  if admits R τ l r then (true, List.replicate r.cost r.time ++ after r.time l) else (false, l)

/-- `inWindow` of window.ts. -/
def popOld (τ t : Nat) (l : List Nat) : List Nat := l.filter fun x => t < x + τ

/-- Each request comes with the rule of its time: limit and window. -/
def stepRules (h : List Nat) (r : Request × Nat × Nat) : Bool × List Nat := step r.2.1 r.2.2 h r.1

/-! ## Several keys -/

structure Claim (κ : Type) where
  key : κ
  limit : Nat
  window : Nat
  cost : Nat := 1
  isDryRun : Bool := false

abbrev Store (κ : Type) := κ → List Nat

section
variable {κ : Type} [DecidableEq κ]

def fits (s : Store κ) (t : Nat) (c : Claim κ) : Bool := live c.window t (s c.key) + c.cost ≤ c.limit

def push (s : Store κ) (t : Nat) (c : Claim κ) : Store κ :=
  fun k => if k = c.key then List.replicate c.cost t ++ s k else s k

/-- Of an admitted check each claim that fits is charged; a dry run may be one that does not. -/
def charge (s : Store κ) (t : Nat) (claims : List (Claim κ)) : Store κ :=
  claims.foldl (fun s' c => if fits s t c then push s' t c else s') s

def isAdmitted (s : Store κ) (t : Nat) (claims : List (Claim κ)) : Bool := claims.all fun c => c.isDryRun || fits s t c

/-- All claims or none. -/
def checkStep (s : Store κ) (check : Nat × List (Claim κ)) : Bool × Store κ :=
  if isAdmitted s check.1 check.2 then (true, charge s check.1 check.2) else (false, s)

end

/-! ## A clock that does not go back -/

structure Clock where
  last : Nat
  offset : Nat := 0
deriving Repr, DecidableEq

/-- `forwardClock`: waits a small step back out, goes on from where it stood after a large one. -/
def Clock.read (stepBackMax : Nat) (c : Clock) (reading : Nat) : Nat × Clock :=
  let now := reading + c.offset
  if c.last ≤ now then (now, { c with last := now })
  else if now + stepBackMax < c.last then (c.last, { c with offset := c.offset + (c.last - now) })
  else (c.last, c)

def Clock.readAll (stepBackMax : Nat) : Clock → List Nat → List Nat
  | _, [] => []
  | c, reading :: readings =>
    let next := c.read stepBackMax reading
    next.1 :: readAll stepBackMax next.2 readings

/-! ## Stores that lost something, and nodes that are on their own -/

/-- Of the stamps that a node brings, those that are not held already; each copy counts. -/
def missing : List Nat → List Nat → List Nat
  | _, [] => []
  | held, x :: xs => if x ∈ held then missing (held.erase x) xs else x :: missing held xs

def seed (held brought : List Nat) : List Nat := missing held brought ++ held

/-- What `l` holds of times whose windows reach beyond `now` is all that `h` has, or more. -/
def Covers (τ now : Nat) (l h : List Nat) : Prop := ∀ x, now < x + τ → h.count x ≤ l.count x

/-- The part of a limit for the node at `place` of so many. -/
def shareOf (limit nodes place : Nat) : Nat :=
  if nodes ≤ limit then limit / nodes else if place = 0 then limit else 0

/-! ## Rivals, unit cost -/

/-- The times that a step function admits, newest first. -/
def admitted {σ : Type} (step : σ → Nat → Bool × σ) : σ → List Nat → List Nat
  | _, [] => []
  | s, t :: ts =>
    let next := step s t
    admitted step next.2 ts ++ if next.1 then [t] else []

/-- Counts in windows that begin at multiples of `τ`. State: which window, and its count. -/
def fixedStep (R τ : Nat) (s : Nat × Nat) (t : Nat) : Bool × (Nat × Nat) :=
  let n := if t / τ = s.1 then s.2 else 0
  if n < R then (true, (t / τ, n + 1)) else (false, (t / τ, n))

/-- Counts the window before as if its admissions were spread evenly. State: which window, its count, the count before. -/
def bucketsStep (R τ : Nat) (s : Nat × Nat × Nat) (t : Nat) : Bool × (Nat × Nat × Nat) :=
  let k := t / τ
  let (n, before) := if k = s.1 then s.2 else if k = s.1 + 1 then (0, s.2.1) else (0, 0)
  if before * (τ - t % τ) + (n + 1) * τ ≤ R * τ then (true, (k, n + 1, before)) else (false, (k, n, before))

/-- The generic cell rate algorithm with a burst of `R`. State: the theoretical time of arrival. -/
def gcraStep (R τ : Nat) (s : Nat) (t : Nat) : Bool × Nat :=
  let next := max s t + τ / R
  if next ≤ t + τ then (true, next) else (false, s)

end Window
