package main

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/trust"
)

// trustedKey is a public key that the operator of this machine vouches for.
type trustedKey struct {
	ID      string    `json:"id"`
	Key     string    `json:"key"`
	Note    string    `json:"note,omitzero"`
	AddedAt time.Time `json:"added_at"`
}

// trustedFile is where trusted keys are kept, in the data directory.
const trustedFile = "trusted.jsonl"

func registerTrusted(f *pflag.FlagSet, path *string) {
	f.StringVar(path, "trusted", "", "file of the keys whose signatures are believed (default: trusted.jsonl in the data directory)")
}

// readTrustedLines returns the lines of a file of trusted keys, none when there is no
// file. One that is damaged is an error: to skip it would be to trust less, or nobody,
// without a word.
func readTrustedLines(path string) ([]trustedKey, error) {
	return readLines(path, func(k trustedKey) bool {
		parsed, err := trust.ParseKey(k.Key)
		return err == nil && parsed.ID() == k.ID
	})
}

// readTrusted returns the keys that are trusted on this machine.
func readTrusted(flag, dataDir string) ([]trust.Key, error) {
	lines, err := readTrustedLines(dataFile(flag, dataDir, trustedFile))
	if err != nil {
		return nil, err
	}
	keys := make([]trust.Key, len(lines))
	for i, l := range lines {
		keys[i], _ = trust.ParseKey(l.Key) // parsed when it was read
	}
	return keys, nil
}

func newTrust(env environment, c *common) *cobra.Command {
	cmd := &cobra.Command{
		Use: "trust", Short: "Say whose signatures this machine believes, and hand the right to sign on",
		Long: `As long as no key is trusted, releases need no signature. With one or several,
serve and sync take only what one of them has signed, and keep what they have.
A server that runs learns of a change within seconds.

Keys are replaced by a change that a key in force signs. It travels with the
releases: terminals learn of it by themselves, also those that were off for years.

  luoshu trust add luoshu.key.pub
  luoshu trust rotate --to STORE --key old.key --new-key new.key
  luoshu trust rotate --to STORE --key luoshu.key --admit reserve.key.pub
  luoshu trust rotate --to STORE --key reserve.key --revoke ID`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var path, note string
	registerTrusted(cmd.PersistentFlags(), &path)
	add := &cobra.Command{
		Use: "add KEY", Short: "Trust a public key: a file, or the key itself", Args: arguments(1, 1, "a public key"),
		RunE: func(_ *cobra.Command, args []string) error { return addTrusted(env, c, path, args[0], note) },
	}
	add.Flags().StringVar(&note, "note", "", "whose it is")
	list := &cobra.Command{
		Use: "list", Short: "List the keys that are trusted here", Args: arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error { return listTrusted(env, c, path) },
	}
	remove := &cobra.Command{
		Use: "remove ID", Short: "Trust a key no more", Args: arguments(1, 1, "the ID of a key, as luoshu trust list shows it"),
		RunE: func(_ *cobra.Command, args []string) error { return removeTrusted(env, c, path, args[0]) },
	}
	cmd.AddCommand(add, list, remove, newRotate(env, c, &path))
	return cmd
}

// givenKey reads a public key from a file, or from the text itself.
func givenKey(arg string) (trust.Key, error) {
	text := arg
	if b, err := readSmall(arg); err == nil {
		text = string(b)
	}
	k, err := trust.ParseKey(text)
	if err != nil {
		return k, usage("%s：%v", "%s: %v", arg, err)
	}
	return k, nil
}

func addTrusted(env environment, c *common, flag, arg, note string) error {
	if utf8.RuneCountInString(note) > maxKeyNote {
		return usage("--note 最多 %d 字", "--note has at most %d characters", maxKeyNote)
	}
	k, err := givenKey(arg)
	if err != nil {
		return err
	}
	path := dataFile(flag, c.dataDir, trustedFile)
	keys, err := readTrustedLines(path)
	if err != nil {
		return err
	}
	keys = slices.DeleteFunc(keys, func(old trustedKey) bool { return old.Key == k.String() })
	line := trustedKey{ID: k.ID(), Key: k.String(), Note: note, AddedAt: time.Now().UTC().Truncate(time.Second)}
	if err := writeLines(path, append(keys, line)); err != nil {
		return err
	}
	if c.json {
		return printJSON(env.stdout, line)
	}
	printer{w: env.stdout, lang: env.language(c.lang)}.line(catalog.Text{ZH: "信任密钥 %s", EN: "key %s is trusted"}, k.ID())
	return nil
}

func listTrusted(env environment, c *common, flag string) error {
	keys, err := readTrustedLines(dataFile(flag, c.dataDir, trustedFile))
	if err != nil {
		return err
	}
	if c.json {
		return printJSON(env.stdout, append([]trustedKey{}, keys...))
	}
	for _, k := range keys {
		printer{w: env.stdout}.line(catalog.Text{ZH: "%s  %s  %s  %s"}, k.ID, k.AddedAt.Format(time.RFC3339), k.Key, k.Note)
	}
	return nil
}

func removeTrusted(env environment, c *common, flag, id string) error {
	path := dataFile(flag, c.dataDir, trustedFile)
	keys, err := readTrustedLines(path)
	if err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(keys), func(k trustedKey) bool { return strings.EqualFold(k.ID, id) })
	switch {
	case len(rest) == len(keys):
		return usage("没有信任密钥“%s”；luoshu trust list 列出全部", "key %q is not trusted; luoshu trust list lists those that are", id)
	case len(rest) == 0:
		return usage("这是唯一信任的密钥，撤去后将不再要求签名；若确要如此，请删除文件 %s", "this is the only key that is trusted; without it no signature would be asked for. If that is meant, delete the file %s", path)
	}
	if err := writeLines(path, rest); err != nil {
		return err
	}
	if c.json {
		return printJSON(env.stdout, map[string]string{"removed": id})
	}
	printer{w: env.stdout, lang: env.language(c.lang)}.line(catalog.Text{ZH: "不再信任密钥 %s", EN: "key %s is not trusted any more"}, id)
	return nil
}

// rotateFlags say how the keys change.
type rotateFlags struct {
	to                    string
	sign                  signFlags
	newKey, newPassphrase string
	admit, revoke         []string
}

func newRotate(env environment, c *common, trusted *string) *cobra.Command {
	r := &rotateFlags{}
	cmd := &cobra.Command{
		Use: "rotate", Short: "Change the keys that may sign, by a release that a key in force signs",
		Long: `Publishes the current content again, as the next release, with the change of keys in
it. --new-key takes the place of --key; --admit lets another key sign besides;
--revoke takes the right from one. Whoever trusted a key that was in force follows.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context(), env, c, *trusted) },
	}
	f := cmd.Flags()
	f.StringVar(&r.to, "to", "", "store to publish the change to")
	r.sign.register(f)
	f.StringVar(&r.newKey, "new-key", "", "file of the secret key that takes the place of --key")
	f.StringVar(&r.newPassphrase, "new-passphrase-file", "", "file whose first line is the passphrase of --new-key (default: it is asked)")
	f.StringArrayVar(&r.admit, "admit", nil, "public key that may sign besides (may be repeated)")
	f.StringArrayVar(&r.revoke, "revoke", nil, "ID of a key that may not sign any more (may be repeated)")
	return cmd
}

func (r *rotateFlags) run(ctx context.Context, env environment, c *common, trusted string) error {
	if r.sign.key == "" || r.newKey == "" && len(r.admit)+len(r.revoke) == 0 {
		return usage("请给出 --key，以及 --new-key、--admit 或 --revoke", "give --key, and --new-key, --admit or --revoke")
	}
	lang := env.language(c.lang)
	signer, err := r.sign.open(env, lang)
	if err != nil {
		return err
	}
	last, revoke := signer, r.revoke
	var fresh []trust.Key
	if r.newKey != "" {
		if last, err = openSigner(env, lang, "new-key", r.newKey, r.newPassphrase); err != nil {
			return err
		}
		fresh, revoke = append(fresh, last.Key()), append(revoke, signer.Key().ID())
	}
	for _, arg := range r.admit {
		k, err := givenKey(arg)
		if err != nil {
			return err
		}
		fresh = append(fresh, k)
	}
	target, err := openTarget(ctx, r.to, "to")
	if err != nil {
		return err
	}
	defer func() { _ = target.Close() }()
	base, err := r.sign.base(ctx, c, trusted, target, signer)
	if err != nil {
		return err
	}
	if base == nil {
		return noRelease(target)
	}
	keys, err := trust.InForce(base.Manifest)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		keys = []trust.Key{signer.Key()}
	}
	for _, id := range revoke {
		left := slices.DeleteFunc(slices.Clone(keys), func(k trust.Key) bool { return strings.EqualFold(k.ID(), id) })
		if len(left) == len(keys) {
			return usage("--revoke：密钥 %s 现在无权签名", "--revoke: key %s has no right to sign", id)
		}
		keys = left
	}
	for _, k := range fresh {
		if !slices.ContainsFunc(keys, k.Equal) {
			keys = append(keys, k)
		}
	}
	if !slices.ContainsFunc(keys, last.Key().Equal) {
		return usage("撤销正在使用的密钥时，请用 --new-key 给出接替者", "to revoke the key in use, give the one that takes its place with --new-key")
	}
	change, err := signer.Change(base.Manifest, keys)
	if err != nil {
		return err
	}
	draft := catalog.NewDraft(base, time.Now())
	draft.ChangeKeys(change)
	publication, err := draft.Build(ctx, catalog.BuildOptions{AsOf: base.Manifest.AsOf})
	if err != nil {
		return err
	}
	if err := publishSigned(ctx, c, target, publication, last, newAuditLine(target, publication), nil); err != nil {
		return err
	}
	return printRelease(env, c, publication)
}

// printRelease tells of a release that was published.
func printRelease(env environment, c *common, p *catalog.Publication) error {
	line := newReleaseLine(p.Release.Manifest, p.Release.Hash, true)
	if c.json {
		return printJSON(env.stdout, line)
	}
	printer{w: env.stdout, lang: env.language(c.lang)}.release(line)
	return nil
}

// believed returns store as this machine sees it: with the keys that it trusts.
func believed(store cache.Store, trusted, dataDir string) (cache.Store, error) {
	keys, err := readTrusted(trusted, dataDir)
	if err != nil {
		return nil, err
	}
	return cache.Trusting(store, keys), nil
}
