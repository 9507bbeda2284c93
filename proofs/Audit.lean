import Spec
import Lean.Replay

/-!
# What a check reports about modules

`#audit "file.json" A B replay C D` writes, for modules `A` and `B`: every theorem with its statement, sentence, axioms and
what its meaning depends on, and the axioms declared there; and checks the modules `C` and `D` once more with the kernel.
-/

open Lean Meta Elab Command

namespace Audit

/-! ## The meaning of a statement, as text

A statement means what it says and what the definitions say that it refers to, theirs included. Each constant is written
as a numbered list of distinct subterms, without names of bound variables; who hashes that text notices any change. -/

structure Writer where
  numbers : Std.HashMap Expr Nat := {}
  lines : Array String := #[]

partial def write (e : Expr) : StateM Writer Nat := do
  if let some n := (← get).numbers[e]? then return n
  let line ← match e with
    | .bvar i => pure s!"bvar {i}"
    | .sort u => pure s!"sort {u}"
    | .const n us => pure s!"const {n} {us}"
    | .app f a => do pure s!"app {← write f} {← write a}"
    | .lam _ t b _ => do pure s!"lam {← write t} {← write b}"
    | .forallE _ t b _ => do pure s!"all {← write t} {← write b}"
    | .letE _ t v b _ => do pure s!"let {← write t} {← write v} {← write b}"
    | .lit (.natVal n) => pure s!"nat {n}"
    | .lit (.strVal s) => pure s!"str {repr s}"
    | .mdata _ b => do pure s!"same {← write b}"
    | .proj s i b => do pure s!"proj {s} {i} {← write b}"
    | .fvar _ | .mvar _ => pure "hole"
  modifyGet fun w =>
    let n := w.lines.size
    (n, { numbers := w.numbers.insert e n, lines := w.lines.push line })

/-- What makes up the meaning of a constant: of a theorem its statement only. -/
def parts (ci : ConstantInfo) : List Expr :=
  match ci with
  | .defnInfo d => [d.type, d.value]
  | .opaqueInfo d => [d.type, d.value]
  | _ => [ci.type]

def related (ci : ConstantInfo) : List Name :=
  match ci with
  | .inductInfo d => d.ctors
  | .ctorInfo d => [d.induct]
  | .recInfo d => d.all
  | _ => []

def meaning (ci : ConstantInfo) : String :=
  let (_, w) := (parts ci).mapM write |>.run {}
  "\n".intercalate w.lines.toList

structure Closure where
  seen : NameSet := {}
  order : Array Name := #[]

/-- The project's own constants that the meaning of `n` depends on, `n` first. -/
partial def visit (env : Environment) (n : Name) : StateM Closure Unit := do
  if (← get).seen.contains n || Spec.isCore env n then return
  let some ci := env.find? n | return
  modify fun c => { seen := c.seen.insert n, order := c.order.push n }
  for e in parts ci do
    for m in e.getUsedConstants do visit env m
  for m in related ci do visit env m

/-! ## Theorems and axioms of a module -/

def moduleData (m : Name) : CoreM ModuleData := do
  let env ← getEnv
  let some i := env.getModuleIdx? m | throwError "no module {m}"
  return env.header.moduleData[i]!

/-- Written by somebody, not made by Lean on the way. -/
def isWritten (n : Name) : CoreM Bool := do
  let env ← getEnv
  let isField := isStructure env n.getPrefix && (getStructureFields env n.getPrefix).any (n.getPrefix ++ · == n)
  return !n.isInternalDetail && !isField && (← findDeclarationRanges? n).isSome

def theoremJson (n : Name) (type : Expr) : MetaM (Json × Array Name) := do
  let env ← getEnv
  let statement ← withOptions (fun o => o.setNat `format.width 100) do return (← ppExpr type).pretty 100
  let line := ((← findDeclarationRanges? n).map (·.range.pos.line)).getD 0
  let (_, c) := visit env n |>.run {}
  let sentence := ((← findDocString? env n).getD "").trimAscii.toString
  let axioms := (← Spec.axiomsOf n).map toString
  let j := json% { name: $(toString (privateToUserName n)), line: $line, statement: $statement, sentence: $sentence,
    axioms: $axioms, meaning: $(c.order.map toString) }
  return (j, c.order)

def moduleJson (m : Name) : MetaM (Json × Array Name) := do
  let mut theorems := #[]
  let mut axioms := #[]
  let mut used := #[]
  for ci in (← moduleData m).constants do
    match ci with
    | .axiomInfo a => axioms := axioms.push (toString a.name)
    | .thmInfo t =>
      if ← isWritten t.name then
        let (j, names) ← theoremJson t.name t.type
        theorems := theorems.push j
        used := used ++ names
    | _ => pure ()
  return (json% { module: $(toString m), declaredAxioms: $axioms, theorems: $(Json.arr theorems) }, used)

/-! ## Replay: the kernel once more, from nothing but imports

It finds what a list of axioms cannot: what was added with the kernel switched off, or by editing the environment. -/

/-- Names that Lean makes for itself in several files would meet in one replay; they differ in the file they are private to. -/
def privateNames (m : Name) : CoreM NameSet := do
  return (← moduleData m).constNames.foldl (init := {}) fun out n =>
    if isPrivateName n then out.insert (privateToUserName n) else out

/-- Checks all declarations of `ms` on top of whatever they import from elsewhere; answers how many those are. -/
def replayTogether (ms : Array Name) : CoreM Nat := do
  let mut imports : Array Import := #[]
  let mut added : Std.HashMap Name ConstantInfo := {}
  for m in ms do
    let data ← moduleData m
    for i in data.imports do
      unless ms.contains i.module || imports.any (·.module == i.module) do imports := imports.push i
    for n in data.constNames, c in data.constants do
      unless c.isUnsafe || c.isPartial do added := added.insert n c
  let base ← importModules imports {} 0
  discard <| (base.replay added : IO _)
  return added.size

/-- The same in runs without such a meeting. `ms` stands in the order of dependencies, and so does every run of it. -/
def replay (ms : Array Name) : CoreM Nat := do
  let mut count := 0
  let mut run : Array Name := #[]
  let mut names : NameSet := {}
  for m in ms do
    let own ← privateNames m
    if own.toList.any names.contains then
      count := count + (← replayTogether run)
      run := #[]
      names := {}
    run := run.push m
    names := own.toList.foldl (·.insert) names
  unless run.isEmpty do count := count + (← replayTogether run)
  return count

def report (ms replayed : Array Name) : CommandElabM Json := liftTermElabM do
  let mut modules := #[]
  let mut used : NameSet := {}
  for m in ms do
    let (j, names) ← moduleJson m
    modules := modules.push j
    for n in names do used := used.insert n
  let env ← getEnv
  let meanings := used.toList.filterMap fun n => (env.find? n).map fun ci => (toString n, Json.str (meaning ci))
  let startMs ← IO.monoMsNow
  let count ← replay replayed
  let replayMs := (← IO.monoMsNow) - startMs
  return json% { modules: $(Json.arr modules), meanings: $(Json.mkObj meanings), replayed: $count, replayMs: $replayMs }

end Audit

elab "#audit " file:str ms:ident* "replay" rs:ident* : command => do
  let j ← Audit.report (ms.map (·.getId)) (rs.map (·.getId))
  IO.FS.writeFile file.getString j.compress
