import Thm.Diff
import Thm.Framing
import Thm.LedgerChain
import Thm.LedgerForgery
import Thm.LedgerTamper
import Thm.LimiterLog
import Thm.LimiterRing
import Thm.LimiterSpec
import Thm.Merkle
import Thm.PatchApply
import Thm.PatchCompose
import Thm.PatchFile
import Thm.PatchSplices
import Thm.PatchTranscript
import Thm.PatchWire
import Thm.Piece
import Thm.WindowChange
import Thm.WindowClock
import Thm.WindowCost
import Thm.WindowGreedy
import Thm.WindowRing
import Thm.WindowRivals
import Thm.WindowStore

/-!
# Everything that is proved

A theorem file that is not imported here is not part of the proofs, and the check refuses it.
-/
