import Model.Window
import Lean.Data.Json

/-! A line of JSON in, a line of JSON out: what the definition of the window says of a trace. -/

namespace DiffTest

structure WindowInput where
  limit : Nat
  windowUs : Nat
  /-- Time and cost of each request. -/
  requests : List (Nat × Nat)
deriving Lean.FromJson

/-- Of each request whether it is admitted, and the units that remained before it. -/
def windowAnswers (R τ : Nat) : List Nat → List (Nat × Nat) → List (Bool × Nat)
  | _, [] => []
  | h, (time, cost) :: rs =>
    let (isAdmitted, h') := Window.step R τ h ⟨time, cost⟩
    (isAdmitted, R - Limiter.live τ time h) :: windowAnswers R τ h' rs

def window (line : String) : String :=
  match Lean.Json.parse line >>= Lean.fromJson? (α := WindowInput) with
  | .ok i => Lean.Json.compress (Lean.toJson (windowAnswers i.limit i.windowUs [] i.requests))
  | .error e => "error: " ++ e

end DiffTest
