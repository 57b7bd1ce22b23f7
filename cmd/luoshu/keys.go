package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"luoshu/catalog"
)

// keysFile is where keys are kept, in the data directory.
const keysFile = "keys.jsonl"

// maxKeyNote bounds what is written beside a key, in characters.
const maxKeyNote = 100

// issuedKey is what is kept of a key. The key itself is not: it has 130 random bits, so
// nobody can find it from its SHA-256, and a slow hash as for passwords would protect
// nothing more and cost every request.
type issuedKey struct {
	// ID begins SHA256, and is how people call the key.
	ID       string       `json:"id"`
	SHA256   catalog.Hash `json:"sha256"`
	Note     string       `json:"note,omitzero"`
	IssuedAt time.Time    `json:"issued_at"`
}

func registerKeys(f *pflag.FlagSet, path *string) {
	f.StringVar(path, "keys", "", "file of the API keys that were issued (default: keys.jsonl in the data directory)")
}

// readKeys returns the keys in a file, none when there is no file.
func readKeys(path string) ([]issuedKey, error) {
	return readLines(path, func(k issuedKey) bool { return k.SHA256.Valid() })
}

func newKey(env environment, c *common) *cobra.Command {
	cmd := &cobra.Command{
		Use: "key", Short: "Issue, list and revoke API keys, which raise the limits of who holds one",
		Long: `Nobody needs a key to read. Who must ask more often than the limits allow can be
given one: it is sent as "Authorization: Bearer KEY" and allows ten times as much.
Only its SHA-256 is kept. A server that runs learns of a change within seconds.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var path, note string
	registerKeys(cmd.PersistentFlags(), &path)
	issue := &cobra.Command{
		Use: "issue", Short: "Make a key and show it, once", Args: arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			return issueKey(env, c, dataFile(path, c.dataDir, keysFile), note)
		},
	}
	issue.Flags().StringVar(&note, "note", "", "who it is for, without personal data")
	cmd.AddCommand(issue, &cobra.Command{
		Use: "list", Short: "List the keys that were issued", Args: arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error { return listKeys(env, c, dataFile(path, c.dataDir, keysFile)) },
	}, &cobra.Command{
		Use: "revoke ID", Short: "Make a key worthless", Args: arguments(1, 1, "the ID of a key, as luoshu key list shows it"),
		RunE: func(_ *cobra.Command, args []string) error {
			return revokeKey(env, c, dataFile(path, c.dataDir, keysFile), args[0])
		},
	})
	return cmd
}

func issueKey(env environment, c *common, path, note string) error {
	if utf8.RuneCountInString(note) > maxKeyNote {
		return usage("--note 最多 %d 字", "--note has at most %d characters", maxKeyNote)
	}
	keys, err := readKeys(path)
	if err != nil {
		return err
	}
	secret, k := newSecret("", note)
	if err := writeLines(path, append(keys, k)); err != nil {
		return err
	}
	if c.json {
		return printJSON(env.stdout, map[string]string{"id": k.ID, "key": secret})
	}
	printer{w: env.stdout, lang: env.language(c.lang)}.line(catalog.Text{
		ZH: "%s\n密钥 %s 只显示这一次，请妥善交给使用者；用法：Authorization: Bearer 密钥",
		EN: "%s\nKey %s is shown this once: hand it over safely. To use it: Authorization: Bearer KEY",
	}, secret, k.ID)
	return nil
}

// newSecret makes a key that is called id, or by the beginning of its digest without one.
func newSecret(id, note string) (string, issuedKey) {
	secret := "luoshu_" + rand.Text()
	sum := sha256.Sum256([]byte(secret))
	digest := hex.EncodeToString(sum[:])
	return secret, issuedKey{ID: cmp.Or(id, digest[:8]), SHA256: catalog.Hash(digest), Note: note, IssuedAt: time.Now().UTC().Truncate(time.Second)}
}

func listKeys(env environment, c *common, path string) error {
	keys, err := readKeys(path)
	if err != nil {
		return err
	}
	if c.json {
		return printJSON(env.stdout, append([]issuedKey{}, keys...))
	}
	for _, k := range keys {
		printer{w: env.stdout}.line(catalog.Text{ZH: "%s  %s  %s"}, k.ID, k.IssuedAt.Format(time.RFC3339), k.Note)
	}
	return nil
}

func revokeKey(env environment, c *common, path, id string) error {
	keys, err := readKeys(path)
	if err != nil {
		return err
	}
	var rest []issuedKey
	for _, k := range keys {
		if k.ID != id {
			rest = append(rest, k)
		}
	}
	if len(rest) == len(keys) {
		return usage("没有“%s”的密钥", "there is no key %q", id)
	}
	if err := writeLines(path, rest); err != nil {
		return err
	}
	if c.json {
		return printJSON(env.stdout, map[string]string{"revoked": id})
	}
	printer{w: env.stdout, lang: env.language(c.lang)}.line(catalog.Text{ZH: "密钥 %s 已撤销", EN: "key %s is revoked"}, id)
	return nil
}

// keyring knows the keys of a file, and follows it.
type keyring struct {
	path  string
	log   *slog.Logger
	known atomic.Pointer[map[[32]byte]string] // their IDs
	// read is the file as it was read last: it is replaced, never written to.
	read fs.FileInfo
}

// keysEvery is how often a server looks whether keys were issued or revoked.
const keysEvery = 2 * time.Second

// load reads the file if it has changed.
func (k *keyring) load() error {
	info, err := os.Stat(k.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if k.known.Load() != nil && (info == nil) == (k.read == nil) &&
		(info == nil || os.SameFile(info, k.read) && info.ModTime().Equal(k.read.ModTime()) && info.Size() == k.read.Size()) {
		return nil
	}
	keys, err := readKeys(k.path)
	if err != nil {
		return err
	}
	known := make(map[[32]byte]string, len(keys))
	for _, key := range keys {
		var digest [32]byte
		_, _ = hex.Decode(digest[:], []byte(key.SHA256)) // checked when it was read
		known[digest] = key.ID
	}
	k.known.Store(&known)
	k.read = info
	return nil
}

func (k *keyring) knows(digest [32]byte) bool {
	_, ok := k.holder(digest)
	return ok
}

// holder returns the ID of a key.
func (k *keyring) holder(digest [32]byte) (string, bool) {
	id, ok := (*k.known.Load())[digest]
	return id, ok
}

// holders returns the IDs of all keys, in order.
func (k *keyring) holders() []string { return slices.Sorted(maps.Values(*k.known.Load())) }

// run follows the file until ctx is done. While it cannot be read, the keys stay as they
// were.
func (k *keyring) run(ctx context.Context) {
	ticker := time.NewTicker(keysEvery)
	defer ticker.Stop()
	for failed := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			err := k.load()
			if err != nil && !failed {
				k.log.Warn("keys cannot be read and stay as they were", slog.String("file", k.path), slog.Any("error", err))
			}
			failed = err != nil
		}
	}
}
