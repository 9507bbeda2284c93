/-!
# Exact sliding-window rate limiter

At most `R` admissions in any window of length `τ`. Three models, each refining the one before:

1. `specStep`  — the definition: look at the whole history of admitted times, count those in `(t-τ, t]`.
2. `logStep`   — keep only the last `R` admitted times (a list, newest first); look only at the oldest of them.
3. `ringStep`  — the production data structure: a fixed array of `R` slots and one write index, O(1) per request.

Times are natural numbers (nanoseconds).
-/

namespace Limiter

/-- Number of times in `h` inside the half-open window `(a, a+τ]`. -/
def inWindow (τ a : Nat) (h : List Nat) : Nat := h.countP fun x => a < x && x ≤ a + τ

/-- Number of times in `h` still live at `t`: inside `(t-τ, t]`, written without subtraction. -/
def live (τ t : Nat) (h : List Nat) : Nat := h.countP fun x => t < x + τ && x ≤ t

/-! ## 1. The specification: full history, newest first -/

def specStep (R τ : Nat) (h : List Nat) (t : Nat) : Bool × List Nat :=
  if live τ t h < R then (true, t :: h) else (false, h)

/-- Run a step function over a trace of arrival times, collecting the decisions. -/
def run {σ : Type} (step : σ → Nat → Bool × σ) : σ → List Nat → List Bool × σ
  | s, [] => ([], s)
  | s, t :: ts =>
    let (d, s') := step s t
    let (ds, s'') := run step s' ts
    (d :: ds, s'')

/-- The same in constant stack, for running long traces. -/
def runFast {σ : Type} (step : σ → Nat → Bool × σ) (s : σ) (ts : List Nat) : List Bool × σ :=
  let (ds, s) := ts.foldl (fun (ds, s) t => let (d, s') := step s t; (d :: ds, s')) (([] : List Bool), s)
  (ds.reverse, s)

/-! ## 2. The log of the last `R` admitted times -/

def logStep (R τ : Nat) (l : List Nat) (t : Nat) : Bool × List Nat :=
  if l.length < R then (true, t :: l)
  else match l.getLast? with
    | some oldest => if oldest + τ ≤ t then (true, t :: l.dropLast) else (false, l)
    | none => (false, l)

/-! ## 3. The ring buffer -/

structure Ring where
  buf : Array Nat
  next : Nat      -- the slot written next; when full, the slot of the oldest
  count : Nat
deriving Repr

def Ring.empty (R : Nat) : Ring := ⟨Array.replicate R 0, 0, 0⟩

def Ring.push (R : Nat) (c : Ring) (t : Nat) : Ring :=
  { buf := c.buf.set! c.next t
    next := if c.next + 1 = R then 0 else c.next + 1
    count := if c.count < R then c.count + 1 else c.count }

def ringStep (R τ : Nat) (c : Ring) (t : Nat) : Bool × Ring :=
  if c.count < R then (true, c.push R t)
  else if 0 < R ∧ c.buf[c.next]! + τ ≤ t then (true, c.push R t)
  else (false, c)

end Limiter
