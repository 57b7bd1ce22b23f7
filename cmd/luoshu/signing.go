package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/trust"
)

// signFlags say what a release is signed with.
type signFlags struct {
	key, passphrase string
	unsigned        bool
}

func (s *signFlags) register(f *pflag.FlagSet) {
	f.StringVar(&s.key, "key", "", "file of the secret key to sign the release with, as luoshu keygen makes it")
	f.StringVar(&s.passphrase, "passphrase-file", "", "file whose first line is the key's passphrase (default: it is asked)")
	f.BoolVar(&s.unsigned, "unsigned", false, "permit a release without signature after one with; who trusts a key does not follow it")
}

// open returns the key to sign with, nil without one.
func (s *signFlags) open(env environment, lang string) (*trust.Signer, error) {
	if s.key == "" {
		return nil, nil
	}
	return openSigner(env, lang, "key", s.key, s.passphrase)
}

// openSigner reads the file that --flag names.
func openSigner(env environment, lang, flag, name, passphrase string) (*trust.Signer, error) {
	b, err := readSmall(name)
	if err != nil {
		return nil, usage("--%s：%v", "--%s: %v", flag, err)
	}
	signer, plain, err := trust.OpenSigner(b, func() (string, error) { return askPassphrase(env, lang, name, passphrase, false) })
	if err != nil {
		return nil, usage("--%s %s：%v", "--%s %s: %v", flag, name, err)
	}
	if plain {
		_, _ = fmt.Fprintf(env.stderr, catalog.Text{
			ZH: "注意：%s 没有口令保护，谁得到它就能以您的名义发布\n",
			EN: "warning: %s has no passphrase: whoever gets hold of it publishes in your name\n",
		}.In(lang), name)
	}
	return &signer, nil
}

// readSmall reads a file of a key or passphrase, and no more than that can have.
func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, trust.MaxKeyBytes+1))
}

// askPassphrase returns the first line of the file, or what is typed on the terminal,
// unseen: twice for a new key.
func askPassphrase(env environment, lang, key, file string, fresh bool) (string, error) {
	if file != "" {
		b, err := readSmall(file)
		if err != nil {
			return "", usage("--passphrase-file：%v", "--passphrase-file: %v", err)
		}
		line, _, _ := strings.Cut(string(b), "\n")
		return nonempty(strings.TrimRight(line, "\r"))
	}
	in, ok := env.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", usage("没有终端可以询问口令；请用 --passphrase-file", "there is no terminal to ask the passphrase on; give --passphrase-file")
	}
	ask := func(t catalog.Text) (string, error) {
		_, _ = fmt.Fprintf(env.stderr, t.In(lang), key)
		b, err := term.ReadPassword(int(in.Fd()))
		_, _ = fmt.Fprintln(env.stderr)
		return string(b), err
	}
	word, err := ask(catalog.Text{ZH: "%s 的口令：", EN: "passphrase of %s: "})
	if err != nil || !fresh {
		return word, err
	}
	again, err := ask(catalog.Text{ZH: "再输入一次（%s）：", EN: "once more (%s): "})
	if err == nil && again != word {
		err = usage("两次输入不同", "the two differ")
	}
	if err != nil {
		return "", err
	}
	return nonempty(word)
}

func nonempty(word string) (string, error) {
	if word == "" {
		return "", usage("口令是空的", "the passphrase is empty")
	}
	return word, nil
}

// base returns the current release of target to build upon, nil for none. With a key, it
// must be signed by one that is trusted: a store is a courier, and what somebody slipped
// into it must not come to be signed. The error says too when what follows could not be
// followed by anyone.
func (s *signFlags) base(ctx context.Context, c *common, trustedFile string, target cache.Writer, signer *trust.Signer) (*catalog.Release, error) {
	p, err := target.Current(ctx)
	if errors.Is(err, catalog.ErrNoRelease) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	keys, err := readTrusted(trustedFile, c.dataDir)
	if err != nil {
		return nil, err
	}
	if signer != nil {
		keys = append(keys, signer.Key())
	}
	signature, err := target.Signature(ctx, p.Manifest)
	signed := err == nil
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return nil, err
	}
	past := auditedPast(c.dataDir, target.String())
	store := cache.Store(target)
	if signed || past.signed {
		store = cache.Trusting(target, keys)
	}
	if signed && signer == nil && !s.unsigned {
		return nil, refused("%v 的当前发布有密钥 %s 的签名，这次也要签名：请加 --key；确要不签名则加 --unsigned",
			"the current release of %v is signed with key %s, so this one must be too: add --key, or --unsigned if it is meant", target, trust.SignedBy(signature))
	}
	release, err := cache.Load(ctx, store, p)
	if err != nil {
		return nil, err
	}
	if release.Manifest.Sequence < past.recall {
		return nil, refused("%v 中是第 %d 版，而第 %d 版收回过内容：请先用 luoshu sync 从较新的副本恢复",
			"%v holds release %d, and release %d recalled something: restore it from a newer copy with luoshu sync first", target, release.Manifest.Sequence, past.recall)
	}
	if signer != nil {
		inForce, err := trust.InForce(release.Manifest)
		if err != nil {
			return nil, err
		}
		allowed := len(inForce) == 0
		for _, k := range inForce {
			allowed = allowed || k.Equal(signer.Key())
		}
		if !allowed {
			return nil, refused("密钥 %s 已被更换，用它签名的发布没有人会采用", "key %s was replaced: nobody would follow what it signs", signer.Key().ID())
		}
	}
	return release, nil
}

// publishSigned publishes between the lines of the audit record.
func publishSigned(ctx context.Context, c *common, target cache.Writer, publication *catalog.Publication, signer *trust.Signer, line auditLine, progress cache.Progress) error {
	var signature []byte
	if signer != nil {
		signature = signer.Sign(publication.Release.Manifest, publication.Manifest)
		line.SignedBy = signer.Key().ID()
	}
	return audited(c.dataDir, line, func() error {
		return cache.Publish(ctx, target, publication, signature, progress)
	})
}

func newKeygen(env environment, c *common) *cobra.Command {
	var out, passphrase string
	cmd := &cobra.Command{
		Use: "keygen", Short: "Make a key to sign releases with",
		Long: `Writes a secret key to FILE, encrypted with a passphrase, and the public key to
FILE.pub. Both are minisign's files. Keep the secret key where you publish, and
nowhere else; give the public key to every terminal with luoshu trust add.

  luoshu keygen --out luoshu.key
  luoshu publish catalog.xlsx --key luoshu.key …`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return usage("缺少 --out：密钥写到哪个文件？", "--out is missing: which file should hold the key?")
			}
			lang := env.language(c.lang)
			for _, name := range []string{out, out + ".pub"} {
				if _, err := os.Lstat(name); err == nil {
					return usage("%s 已经存在，不覆盖", "%s is there already and is not overwritten", name)
				}
			}
			word, err := askPassphrase(env, lang, out, passphrase, true)
			if err != nil {
				return err
			}
			signer, err := trust.NewSigner()
			if err != nil {
				return err
			}
			secret, err := signer.Encrypted(word)
			if err != nil {
				return err
			}
			if err := writeNew(out, secret, 0o600); err != nil {
				return err
			}
			if err := writeNew(out+".pub", signer.Key().File(), 0o644); err != nil {
				return err
			}
			if c.json {
				return printJSON(env.stdout, map[string]string{"id": signer.Key().ID(), "key": signer.Key().String(), "file": out})
			}
			printer{w: env.stdout, lang: lang}.line(catalog.Text{
				ZH: "密钥 %s：私钥在 %s，公钥在 %[2]s.pub\n终端上执行：luoshu trust add %[3]s",
				EN: "key %s: the secret key is in %s, the public key in %[2]s.pub\non every terminal: luoshu trust add %[3]s",
			}, signer.Key().ID(), out, signer.Key())
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write, and FILE.pub beside it")
	cmd.Flags().StringVar(&passphrase, "passphrase-file", "", "file whose first line is the passphrase (default: it is asked)")
	return cmd
}

// writeNew writes a file that is not there yet, durably.
func writeNew(name string, b []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(name)
	}
	return err
}
