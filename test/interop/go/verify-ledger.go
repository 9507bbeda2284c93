// Checks a ledger of post-incident-proofs with the Go project's own transparency-log packages, which share nothing with it:
// the checkpoint's signatures (sumdb/note), the tree's root over the stored leaves, an inclusion and a consistency proof
// (sumdb/tlog). Usage: verify-ledger DATA_DIR PROOFS_JSON, or verify-ledger -served URL VKEY OLD_NOTES... (served.go)
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proofs struct {
	Index       int64    `json:"index"`
	Inclusion   []string `json:"inclusion"`
	OldSize     int64    `json:"oldSize"`
	OldNote     string   `json:"oldNote"`
	Consistency []string `json:"consistency"`
}

type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func must(err error, what string) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

func readFile(path string) []byte {
	content, err := os.ReadFile(path)
	must(err, "read")
	return content
}

// Text of a checkpoint note that all of these keys signed.
func openCheckpoint(text []byte, log note.Verifier, others ...note.Verifier) checkpoint {
	verifiers := append([]note.Verifier{log}, others...)
	opened, err := note.Open(text, note.VerifierList(verifiers...))
	must(err, "checkpoint signature")
	if len(opened.Sigs) != len(verifiers) {
		fail("checkpoint signature: %d of %d are there", len(opened.Sigs), len(verifiers))
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != log.Name() {
		fail("checkpoint text: %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "checkpoint size")
	return checkpoint{lines[0], size, toHash(lines[2])}
}

// What genesis, config and seal leaves say about the key of the epoch that begins with them.
type epochRecord struct {
	EpochKey     string `json:"epochKey"`
	NextEpochKey string `json:"nextEpochKey"`
}

// Follows the seals: the key that signs heads after each leaf it was shown.
type epochChain struct {
	epoch uint32
	vkey  string
}

func (c *epochChain) take(seq int64, leaf []byte) {
	if len(leaf) < 56 {
		fail("leaf %d has %d bytes", seq, len(leaf))
	}
	if epoch := binary.BigEndian.Uint32(leaf[12:]); epoch != c.epoch {
		fail("leaf %d is of epoch %d, %d runs", seq, epoch, c.epoch)
	}
	var record epochRecord
	switch leaf[1] {
	case 1, 8: // genesis, config
		must(json.Unmarshal(leaf[24:len(leaf)-32], &record), "record")
		if record.EpochKey != "" {
			c.vkey = record.EpochKey
		}
	case 3: // epoch-seal
		must(json.Unmarshal(leaf[24:len(leaf)-32], &record), "seal")
		c.epoch, c.vkey = c.epoch+1, record.NextEpochKey
	}
}

// The verifiers that a head after the last leaf needs beside the log's.
func (c *epochChain) verifiers(log note.Verifier) []note.Verifier {
	if c.vkey == "" {
		return nil
	}
	verifier, err := note.NewVerifier(c.vkey)
	must(err, "epoch key")
	if verifier.Name() != fmt.Sprintf("%s/epoch/%d", log.Name(), c.epoch) {
		fail("epoch key of %q", verifier.Name())
	}
	return []note.Verifier{verifier}
}

func toHash(text string) tlog.Hash {
	var hash tlog.Hash
	raw, err := base64.StdEncoding.DecodeString(text)
	must(err, "base64")
	if len(raw) != len(hash) {
		fail("a hash of %d bytes", len(raw))
	}
	copy(hash[:], raw)
	return hash
}

func toHashes(texts []string) []tlog.Hash {
	hashes := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		hashes[i] = toHash(text)
	}
	return hashes
}

// The leaves of all segments, in the order of their names: u16 length ‖ leaf.
func readLeaves(dataDir string) [][]byte {
	names, err := filepath.Glob(filepath.Join(dataDir, "ledger", "segments", "*.seg"))
	must(err, "segments")
	sort.Strings(names)
	var leaves [][]byte
	for _, name := range names {
		content := readFile(name)
		for len(content) > 0 {
			if len(content) < 2 || len(content) < 2+int(binary.BigEndian.Uint16(content)) {
				fail("%s: incomplete frame", name)
			}
			end := 2 + int(binary.BigEndian.Uint16(content))
			leaves = append(leaves, content[2:end])
			content = content[end:]
		}
	}
	return leaves
}

// Hashes of a tree that grows leaf by leaf.
type growingTree struct {
	stored []tlog.Hash
	size   int64
}

func (t *growingTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = t.stored[index]
	}
	return hashes, nil
}

func (t *growingTree) add(leaf []byte) {
	hashes, err := tlog.StoredHashes(t.size, leaf, t)
	must(err, "stored hashes")
	t.stored = append(t.stored, hashes...)
	t.size++
}

func (t *growingTree) root() tlog.Hash {
	root, err := tlog.TreeHash(t.size, t)
	must(err, "tree hash")
	return root
}

func verifyStored(dataDir, proofsPath string) {
	log, err := note.NewVerifier(strings.TrimSpace(string(readFile(filepath.Join(dataDir, "ledger", "log.vkey")))))
	must(err, "verifier key")
	text := readFile(filepath.Join(dataDir, "ledger", "checkpoint"))
	head := openCheckpoint(text, log)
	leaves := readLeaves(dataDir)
	if int64(len(leaves)) < head.size {
		fail("%d leaves, the checkpoint has %d", len(leaves), head.size)
	}
	var tree growingTree
	var epochs epochChain
	for seq := int64(0); seq < head.size; seq++ {
		tree.add(leaves[seq])
	}
	if root := tree.root(); root != head.root {
		fail("root: the leaves give %v, the checkpoint says %v", root, head.root)
	}
	for seq := int64(0); seq < head.size; seq++ {
		epochs.take(seq, leaves[seq])
	}
	openCheckpoint(text, log, epochs.verifiers(log)...)
	var given proofs
	must(json.Unmarshal(readFile(proofsPath), &given), "proofs")
	record := tlog.RecordHash(leaves[given.Index])
	must(tlog.CheckRecord(toHashes(given.Inclusion), head.size, head.root, given.Index, record), "inclusion proof")
	old := openCheckpoint([]byte(given.OldNote), log)
	must(tlog.CheckTree(toHashes(given.Consistency), head.size, head.root, old.size, old.root), "consistency proof")
	fmt.Printf("ok %s %d %s epoch %d\n", head.origin, head.size, base64.StdEncoding.EncodeToString(head.root[:]), epochs.epoch)
}

func main() {
	if len(os.Args) >= 4 && os.Args[1] == "-served" {
		verifyServed(os.Args[2], os.Args[3], os.Args[4:])
		return
	}
	if len(os.Args) != 3 {
		fail("usage: verify-ledger DATA_DIR PROOFS_JSON | verify-ledger -served URL VKEY OLD_NOTES...")
	}
	verifyStored(os.Args[1], os.Args[2])
}
