// A ledger as a sidecar serves it, by c2sp.org/tlog-tiles: GET /checkpoint, /tile/<L>/<N>[.p/<W>], /tile/entries/<N>[.p/<W>].
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	// 256 leaves of 65,535 bytes with their lengths.
	responseBytesMax = tileWidth * (2 + 65535)
	// Entries whose inclusion is proved by tiles, spread over the ledger.
	recordsProved = 100
)

type served struct {
	url     string
	fetched int
}

func (s *served) get(path string) []byte {
	response, err := http.Get(s.url + path)
	must(err, "get")
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, responseBytesMax+1))
	must(err, "body")
	if response.StatusCode != http.StatusOK || len(body) > responseBytesMax {
		fail("GET %s: status %d, %d bytes", path, response.StatusCode, len(body))
	}
	s.fetched++
	return body
}

// Go's own path has the height in it, and "data" where C2SP says "entries".
func c2spPath(tile tlog.Tile) string {
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "/tile/", 1)
	return strings.Replace(path, "/tile/data/", "/tile/entries/", 1)
}

func (s *served) Height() int { return tileHeight }

func (s *served) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		data[i] = s.get(c2spPath(tile))
	}
	return data, nil
}

func (s *served) SaveTiles([]tlog.Tile, [][]byte) {}

// The leaves of one entry bundle: u16 length ‖ leaf.
func (s *served) bundle(index, size int64) [][]byte {
	tile := tlog.Tile{H: tileHeight, L: -1, N: index, W: tileWidth}
	if rest := size - index*tileWidth; rest < tileWidth {
		tile.W = int(rest)
	}
	content := s.get(c2spPath(tile))
	var leaves [][]byte
	for len(content) > 0 {
		if len(content) < 2 || len(content) < 2+int(binary.BigEndian.Uint16(content)) {
			fail("%s: incomplete entry", c2spPath(tile))
		}
		end := 2 + int(binary.BigEndian.Uint16(content))
		leaves = append(leaves, content[2:end])
		content = content[end:]
	}
	if len(leaves) != tile.W {
		fail("%s: %d entries", c2spPath(tile), len(leaves))
	}
	return leaves
}

// Root over all served entries, both signatures of the head, inclusion of entries by hash tiles alone, and that the tree goes on
// from older checkpoints.
func verifyServed(url, vkey string, oldNotes []string) {
	log, err := note.NewVerifier(vkey)
	must(err, "verifier key")
	server := &served{url: url}
	text := server.get("/checkpoint")
	head := openCheckpoint(text, log)
	var tree growingTree
	var epochs epochChain
	step := head.size/recordsProved + 1
	proved := map[int64]tlog.Hash{}
	for index := int64(0); index*tileWidth < head.size; index++ {
		for _, leaf := range server.bundle(index, head.size) {
			if tree.size%step == 0 || tree.size == head.size-1 {
				proved[tree.size] = tlog.RecordHash(leaf)
			}
			epochs.take(tree.size, leaf)
			tree.add(leaf)
		}
	}
	if root := tree.root(); root != head.root {
		fail("root: the served entries give %v, the checkpoint says %v", root, head.root)
	}
	openCheckpoint(text, log, epochs.verifiers(log)...)
	tiles := tlog.TileHashReader(tlog.Tree{N: head.size, Hash: head.root}, server)
	for index, record := range proved {
		proof, err := tlog.ProveRecord(head.size, index, tiles)
		must(err, "inclusion from tiles")
		must(tlog.CheckRecord(proof, head.size, head.root, index, record), "inclusion proof")
	}
	for _, path := range oldNotes {
		old := openCheckpoint(readFile(path), log)
		proof, err := tlog.ProveTree(head.size, old.size, tiles)
		must(err, "consistency from tiles")
		must(tlog.CheckTree(proof, head.size, head.root, old.size, old.root), "consistency proof")
	}
	root := base64.StdEncoding.EncodeToString(head.root[:])
	fmt.Printf("ok %s %d %s epoch %d, %d inclusions, %d consistencies, %d fetches\n",
		head.origin, head.size, root, epochs.epoch, len(proved), len(oldNotes), server.fetched)
}
