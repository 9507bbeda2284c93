// Checks a ledger of post-incident-proofs with the Go project's own transparency-log packages, which share nothing with it:
// the checkpoint's signature (sumdb/note), the tree's root over the stored leaves, an inclusion and a consistency proof
// (sumdb/tlog). Usage: verify-ledger DATA_DIR PROOFS_JSON
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

// Signature and text of a checkpoint note.
func openCheckpoint(text []byte, verifier note.Verifier) checkpoint {
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err, "checkpoint signature")
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		fail("checkpoint text: %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "checkpoint size")
	return checkpoint{lines[0], size, toHash(lines[2])}
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

func main() {
	if len(os.Args) != 3 {
		fail("usage: verify-ledger DATA_DIR PROOFS_JSON")
	}
	dataDir := os.Args[1]
	verifier, err := note.NewVerifier(strings.TrimSpace(string(readFile(filepath.Join(dataDir, "ledger", "log.vkey")))))
	must(err, "verifier key")
	head := openCheckpoint(readFile(filepath.Join(dataDir, "ledger", "checkpoint")), verifier)
	leaves := readLeaves(dataDir)
	if int64(len(leaves)) < head.size {
		fail("%d leaves, the checkpoint has %d", len(leaves), head.size)
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for i := int64(0); i < head.size; i++ {
		hashes, err := tlog.StoredHashes(i, leaves[i], reader)
		must(err, "stored hashes")
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(head.size, reader)
	must(err, "tree hash")
	if root != head.root {
		fail("root: the leaves give %v, the checkpoint says %v", root, head.root)
	}
	var given proofs
	must(json.Unmarshal(readFile(os.Args[2]), &given), "proofs")
	must(tlog.CheckRecord(toHashes(given.Inclusion), head.size, head.root, given.Index, tlog.RecordHash(leaves[given.Index])), "inclusion proof")
	old := openCheckpoint([]byte(given.OldNote), verifier)
	must(tlog.CheckTree(toHashes(given.Consistency), head.size, head.root, old.size, old.root), "consistency proof")
	fmt.Printf("ok %s %d %s\n", head.origin, head.size, base64.StdEncoding.EncodeToString(root[:]))
}
