import Model.Window
/-!
# The ring of stamps

`src/limiter/stamp-ring.ts`: the stamps of one key in a ring that grows as it fills, and the decision of the embedded store
on it. `Thm/WindowRing.lean` proves that it decides as the definition of the window.
-/

namespace Window

structure StampRing where
  times : Array Nat := Array.replicate 4 0
  /-- Where the next stamp goes. -/
  next : Nat := 0
  count : Nat := 0
deriving Repr

namespace StampRing

/-- The n-th latest, 1 ≤ n ≤ count. The index is taken by a mask in TypeScript, where the capacity is a power of two. -/
def latest (c : StampRing) (n : Nat) : Nat := c.times[(c.next + c.times.size - n) % c.times.size]!

/-- The stamps, newest first. -/
def stamps (c : StampRing) : List Nat := (List.range c.count).map fun i => c.latest (i + 1)

def grow (c : StampRing) (size : Nat) : StampRing :=
  { times := ((List.range size).map fun i => if i < c.count then c.latest (c.count - i) else 0).toArray
    next := c.count
    count := c.count }

def pushOne (c : StampRing) (stamp : Nat) : StampRing :=
  { times := c.times.set! c.next stamp, next := (c.next + 1) % c.times.size, count := c.count + 1 }

def pushMany (c : StampRing) (stamp : Nat) : Nat → StampRing
  | 0 => c
  | n + 1 => (c.pushMany stamp n).pushOne stamp

/-- A stamp that is a little late takes the time of the newest. -/
def push (c : StampRing) (time copies : Nat) : StampRing :=
  let stamp := if 0 < c.count then max time (c.latest 1) else time
  let c := if c.times.size < c.count + copies then c.grow (2 * (c.count + copies)) else c
  c.pushMany stamp copies

/-- How many of the newest `n` stay. -/
def kept (c : StampRing) (window now : Nat) : Nat → Nat
  | 0 => 0
  | n + 1 => if c.latest (n + 1) + window ≤ now then c.kept window now n else n + 1

def dropOld (c : StampRing) (window now : Nat) : StampRing := { c with count := c.kept window now c.count }

/-- How many stamps are in the window, found by halving: `low` of them are, and `high` is as many as there may be. -/
def search (c : StampRing) (window now : Nat) : Nat → Nat → Nat → Nat
  | 0, low, _ => low
  | fuel + 1, low, high =>
    if low < high then
      let middle := (low + high + 1) / 2
      if now < c.latest middle + window then c.search window now fuel middle high
      else c.search window now fuel low (middle - 1)
    else low

def countAfter (c : StampRing) (window now : Nat) : Nat := c.search window now c.count 0 c.count

/-- The embedded store on one key, `longest` being the longest window that was asked for. -/
def decide (longest R τ : Nat) (c : StampRing) (r : Request) : Bool × StampRing :=
  let c := c.dropOld longest r.time
  if c.countAfter τ r.time + r.cost ≤ R then (true, c.push r.time r.cost) else (false, c)

end StampRing

end Window
