import Lean

/-!
# Claims that name their theorems

A `Claim` ties one sentence about the product to the theorems that prove it and to the metric that watches it. `thm% foo`
is a name that must be a proved theorem: it does not elaborate when `foo` does not exist, is not a theorem, or rests on
anything but the allowed axioms. `#export_claims "file.json"` writes every `Claim` of the project.
-/

open Lean Meta Elab Term Command

structure TheoremRef where
  name : Name
deriving Repr, Inhabited

structure Claim where
  /-- The property, for ever: dashboards and alerts refer to it. -/
  id : String
  /-- What is claimed, in one English sentence. -/
  sentence : String
  theorems : List TheoremRef
  /-- The metric that would move first if the claim did not hold in production, and the value it must not pass. -/
  metric : String
  threshold : Nat
  /-- Over which time the metric is looked at, as Prometheus writes it. -/
  window : String
  /-- The files of the product that the model describes. -/
  implementation : List String
  /-- What is not proved and has to hold. -/
  assumptions : List String
deriving Repr

namespace Spec

/-- Lean's own libraries. A constant of theirs counts as given: some builds ship them without proofs. -/
def isCoreModule (m : Name) : Bool := [`Init, `Std, `Lean].any (·.isPrefixOf m)

def isCore (env : Environment) (n : Name) : Bool :=
  match env.getModuleIdxFor? n with
  | some i => isCoreModule env.header.moduleNames[i.toNat]!
  | none => false

/-- Axioms that are reported by name even though they come from Lean's own libraries. -/
def named : Array Name :=
  #[``propext, ``Classical.choice, ``Quot.sound, ``sorryAx, ``Lean.ofReduceBool, ``Lean.ofReduceNat, ``Lean.trustCompiler]

def allowed : Array Name := #[``propext, ``Classical.choice, ``Quot.sound]

/-- The axioms that a theorem rests on, other than core theorems shipped as axioms. -/
def axiomsOf (n : Name) : CoreM (Array Name) := do
  let env ← getEnv
  let found := (← collectAxioms n).filter fun a => named.contains a || !isCore env a
  return found.qsort Name.lt

def checkTheorem (n : Name) : CoreM Unit := do
  match (← getEnv).find? n with
  | some (.thmInfo _) => pure ()
  | some _ => throwError "'{n}' is not a theorem"
  | none => throwError "'{n}' does not exist"
  let bad := (← axiomsOf n).filter (!allowed.contains ·)
  unless bad.isEmpty do throwError "'{n}' rests on {bad.toList}"

end Spec

syntax (name := thmRef) "thm% " ident : term

@[term_elab thmRef] def elabThmRef : TermElab := fun stx _ => do
  let n ← realizeGlobalConstNoOverloadWithInfo stx[1]
  Spec.checkTheorem n
  return mkApp (mkConst ``TheoremRef.mk) (toExpr n)

namespace Spec

unsafe def evalClaimUnsafe (n : Name) : CoreM Claim := evalConstCheck Claim ``Claim n
@[implemented_by evalClaimUnsafe] opaque evalClaim (n : Name) : CoreM Claim

/-- All constants of type `Claim` outside Lean's own libraries. -/
def allClaims : CoreM (Array Name) := do
  let env ← getEnv
  let isClaim (ci : ConstantInfo) := ci.type.isConstOf ``Claim && !ci.name.isInternal
  let mut out := #[]
  for data in env.header.moduleData, m in env.header.moduleNames do
    unless isCoreModule m do
      for ci in data.constants do if isClaim ci then out := out.push ci.name
  return env.constants.foldStage2 (fun out _ ci => if isClaim ci then out.push ci.name else out) out

def claimJson (n : Name) : CoreM Json := do
  let c ← evalClaim n
  for t in c.theorems do checkTheorem t.name
  return json% { id: $c.id, sentence: $c.sentence, theorems: $(c.theorems.map (toString ·.name)), metric: $c.metric,
    threshold: $c.threshold, window: $c.window, implementation: $c.implementation, assumptions: $c.assumptions }

def exportJson : CommandElabM Json := liftTermElabM do
  return .arr (← (← allClaims).mapM fun n => (claimJson n : CoreM Json))

end Spec

elab "#export_claims " file:str : command => do
  IO.FS.writeFile file.getString (← Spec.exportJson).compress
