// Checks trees of an archive with the code of others: Tessera's fsck and Go's x/mod/sumdb.
//
//	checker check PREFIX ORIGIN VKEY          everything below PREFIX; prints proofs for comparison
//	checker older PREFIX ORIGIN VKEY FILE     that the older checkpoint in FILE is a prefix of the one in PREFIX
//	checker cosigned FILE VKEY WITNESS        a checkpoint with the cosignature of a witness
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// fsck may wait for ever where it meets a wrong tile: it is ended, and that is a failure.
const fsckTime = 60 * time.Second

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 4 && args[0] == "check":
		return check(args[1], args[2], args[3])
	case len(args) == 5 && args[0] == "older":
		return older(args[1], args[2], args[3], args[4])
	case len(args) == 4 && args[0] == "cosigned":
		return cosigned(args[1], args[2], args[3])
	}
	return errors.New("usage: checker check|older|cosigned …")
}

// open reads a checkpoint with Go's note package and the log format of transparency-dev.
func open(file, origin, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return tlog.Tree{}, err
	}
	if _, err := note.Open(raw, note.VerifierList(verifier)); err != nil {
		return tlog.Tree{}, err
	}
	checkpoint, _, _, err := f_log.ParseCheckpoint(raw, origin, verifier)
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(checkpoint.Hash) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("a root of %d bytes", len(checkpoint.Hash))
	}
	return tlog.Tree{N: int64(checkpoint.Size), Hash: tlog.Hash(checkpoint.Hash)}, nil
}

func check(prefix, origin, vkey string) error {
	tree, err := open(filepath.Join(prefix, "checkpoint"), origin, vkey)
	if err != nil {
		return err
	}
	if err := runFsck(prefix, origin, vkey); err != nil {
		return fmt.Errorf("fsck: %w", err)
	}
	return prove(prefix, tree)
}

func runFsck(prefix, origin, vkey string) error {
	verifier, err := f_note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), fsckTime)
	defer cancel()
	f := fsck.New(origin, verifier, &client.FileFetcher{Root: prefix}, leaves, fsck.Opts{N: 4})
	done := make(chan error, 1)
	go func() { done <- f.Check(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func leaves(bundle []byte) ([][]byte, error) {
	entries := api.EntryBundle{}
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(entries.Entries))
	for _, entry := range entries.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

// proofs are what this program prints: ours have to be the same.
type proofs struct {
	Size        int64                  `json:"size"`
	Root        tlog.Hash              `json:"root"`
	Inclusion   map[string][]tlog.Hash `json:"inclusion"`
	Consistency map[string][]tlog.Hash `json:"consistency"`
}

func prove(prefix string, tree tlog.Tree) error {
	found := proofs{tree.N, tree.Hash, map[string][]tlog.Hash{}, map[string][]tlog.Hash{}}
	if tree.N == 0 {
		return json.NewEncoder(os.Stdout).Encode(found)
	}
	hashes := tlog.TileHashReader(tree, files(prefix))
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil || root != tree.Hash {
		return fmt.Errorf("the tiles have root %v: %w", root, err)
	}
	for _, n := range []int64{0, 1, 255, 256, tree.N / 2, tree.N - 1} {
		if n < 0 || n >= tree.N {
			continue
		}
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		if err != nil {
			return err
		}
		proof, err := tlog.ProveRecord(tree.N, n, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaf[0]); err != nil {
			return err
		}
		found.Inclusion[fmt.Sprint(n)] = proof
	}
	for _, old := range []int64{1, 3, 256, tree.N / 2, tree.N} {
		if old < 1 || old > tree.N {
			continue
		}
		before, err := tlog.TreeHash(old, hashes)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, old, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old, before); err != nil {
			return err
		}
		found.Consistency[fmt.Sprint(old)] = proof
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

func older(prefix, origin, vkey, file string) error {
	now, err := open(filepath.Join(prefix, "checkpoint"), origin, vkey)
	if err != nil {
		return err
	}
	before, err := open(file, origin, vkey)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(now.N, before.N, tlog.TileHashReader(now, files(prefix)))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, now.N, now.Hash, before.N, before.Hash)
}

func cosigned(file, vkey, witness string) error {
	log, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	cosigner, err := f_note.NewVerifierForCosignatureV1(witness)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	opened, err := note.Open(raw, note.VerifierList(log, cosigner))
	if err != nil {
		return err
	}
	if len(opened.Sigs) != 2 {
		return fmt.Errorf("%d known signatures", len(opened.Sigs))
	}
	return nil
}

// files reads tiles for Go's tlog. Its paths name the height of tiles; those of tlog-tiles do not.
type files string

func (files) Height() int { return 8 }

func (files) SaveTiles([]tlog.Tile, [][]byte) {}

func (prefix files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, 0, len(tiles))
	for _, tile := range tiles {
		bytes, err := prefix.read(tile)
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

func (prefix files) read(tile tlog.Tile) ([]byte, error) {
	path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	bytes, err := os.ReadFile(filepath.Join(string(prefix), path))
	if !errors.Is(err, fs.ErrNotExist) || tile.W == 1<<8 {
		return bytes, err
	}
	full := tile
	full.W = 1 << 8
	bytes, err = prefix.read(full)
	if err != nil {
		return nil, err
	}
	return bytes[:tile.W*tlog.HashSize], nil
}
