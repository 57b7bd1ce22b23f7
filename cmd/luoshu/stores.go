package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/demo"
	"luoshu/catalog/ingest"
	"luoshu/catalog/trust"
)

// everyRelease asks a store's history for all it keeps.
const everyRelease = 1 << 20

func newDemo(env environment, c *common) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "demo", Short: "Put the demonstration release into a store",
		Long: `Puts the built-in demonstration into a store, so that the way through Redis is
one command away. A store that holds another catalog is left alone.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			target, err := openTarget(ctx, to, "to")
			if err != nil {
				return err
			}
			defer func() { _ = target.Close() }()
			if err := target.Prepare(ctx); err != nil {
				return err
			}
			publication, err := demo.Build(ctx)
			if err != nil {
				return err
			}
			line := newReleaseLine(publication.Release.Manifest, publication.Release.Hash, true)
			show := func(l releaseLine) error {
				if c.json {
					return printJSON(env.stdout, l)
				}
				return nil
			}
			p := printer{w: env.stdout, lang: env.language(c.lang)}
			if c.json {
				p.w = io.Discard
			}
			switch current, err := target.Current(ctx); {
			case err == nil && current == publication.Release.Pointer():
				p.line(catalog.Text{ZH: "%s 中已是示例目录", EN: "%s holds the demonstration already"}, target)
				return show(line)
			case err == nil:
				return catalog.NewTextError(catalog.ErrConflict, catalog.Text{
					ZH: "%v 中是目录 %[3]s 的第 %[2]d 版；请把示例目录放进空的存储", EN: "%v holds release %d of catalog %q; put the demonstration into an empty store",
				}, target, current.Sequence, current.Catalog)
			case !errors.Is(err, catalog.ErrNoRelease):
				return err
			}
			if err := cache.Publish(ctx, target, publication, nil, nil); err != nil {
				return err
			}
			p.release(line)
			p.line(catalog.Text{ZH: "现在可运行 luoshu serve --source %s", EN: "now run luoshu serve --source %s"}, target)
			return show(line)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "store to put it into")
	return cmd
}

func newSync(env environment, c *common) *cobra.Command {
	var from, to, trusted string
	var keep int
	cmd := &cobra.Command{
		Use: "sync", Short: "Copy releases from one store to another, as they are",
		Long: `Copies the last releases with their sequence numbers, verified, and then moves
the pointer. What the target has is not copied again. It never moves a store
backwards. This is the way back after a store was lost.

Without --to it copies to this machine's data directory, as from a USB stick; a
server that runs shows it within seconds. Where a key is trusted, only what it has
signed is copied.

  luoshu sync --from /media/usb/catalog.luoshu`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			source, err := openSource(ctx, from, "from")
			if err != nil {
				return err
			}
			defer func() { _ = source.Close() }()
			if to == "" {
				to = "dir:" + releasesDir(c.dataDir)
			}
			target, err := openTarget(ctx, to, "to")
			if err != nil {
				return err
			}
			defer func() { _ = target.Close() }()
			if source, err = believed(source, trusted, c.dataDir); err != nil {
				return err
			}
			if err := forgotten(ctx, c, source); err != nil {
				return err
			}
			return copyReleases(ctx, env, c, source, target, keep)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "store to copy from")
	cmd.Flags().StringVar(&to, "to", "", "store to copy to (default: this machine's data directory)")
	registerTrusted(cmd.Flags(), &trusted)
	cmd.Flags().IntVar(&keep, "keep", cache.Keep, "how many releases to copy, newest first")
	return cmd
}

// releasesDir is where a node keeps releases.
func releasesDir(dataDir string) string { return filepath.Join(dataDir, "releases") }

// forgotten refuses to bring back what this machine has recalled since.
func forgotten(ctx context.Context, c *common, source cache.Store) error {
	p, err := source.Current(ctx)
	if err != nil {
		return err
	}
	recall := remembered(c.dataDir, func(l auditLine) bool { return l.Catalog == p.Catalog }).recall
	if p.Sequence < recall {
		return refused("%v 是第 %d 版，含有第 %d 版收回的内容，不能恢复", "%v is release %d and holds what release %d recalled: it is not brought back", source, p.Sequence, recall)
	}
	return nil
}

func copyReleases(ctx context.Context, env environment, c *common, source cache.Store, target cache.Writer, keep int) error {
	if keep < 1 {
		return usage("--keep 至少为 1", "--keep must be at least 1")
	}
	lang := env.language(c.lang)
	show := progress{w: env.stderr, bars: env.terminal(env.stderr), quiet: c.json}
	step, end := show.stage(catalog.Text{ZH: "复制", EN: "bytes copied"}.In(lang), -1)
	_, err := cache.Copy(ctx, source, target, keep, func(done, _ int64) { step(done) })
	end()
	if err != nil {
		return err
	}
	return listReleases(ctx, env, c, target)
}

func newReleases(env environment, c *common) *cobra.Command {
	var source string
	cmd := &cobra.Command{
		Use: "releases", Short: "List the releases a store keeps, newest first",
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := openSource(cmd.Context(), source, "source")
			if err != nil {
				return err
			}
			defer func() { _ = store.Close() }()
			return listReleases(cmd.Context(), env, c, store)
		},
	}
	cmd.Flags().StringVar(&source, "source", "", "store to look into")
	return cmd
}

func listReleases(ctx context.Context, env environment, c *common, store cache.Store) error {
	history, err := cache.History(ctx, store, everyRelease)
	if err != nil {
		return err
	}
	lines := held(history)
	if c.json {
		return printJSON(env.stdout, lines)
	}
	for _, l := range lines {
		printer{w: env.stdout, lang: env.language(c.lang)}.release(l)
	}
	return nil
}

func newRollback(env environment, c *common) *cobra.Command {
	var to, reason, trusted string
	var sign signFlags
	cmd := &cobra.Command{
		Use: "rollback SEQ", Short: "Republish the content of an earlier release under a higher number",
		Long: `Publishes the content of release SEQ again, as the next release: nobody moves
backwards. Records that release SEQ does not hold are withdrawn, so that their
printed codes still answer; what was withdrawn since stays withdrawn.`,
		Args: arguments(1, 1, "the sequence number of the release to bring back"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			seq, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || seq < 1 {
				return usage("rollback：“%s”不是发布的序号", "rollback: %q is not a sequence number", args[0])
			}
			target, err := openTarget(ctx, to, "to")
			if err != nil {
				return err
			}
			defer func() { _ = target.Close() }()
			signer, err := sign.open(env, env.language(c.lang))
			if err != nil {
				return err
			}
			current, err := sign.base(ctx, c, trusted, target, signer)
			if err != nil {
				return err
			}
			if current == nil {
				return noRelease(target)
			}
			store, err := believed(target, trusted, c.dataDir)
			if err != nil {
				return err
			}
			return rollback(ctx, env, c, target, store, current, signer, seq, reason)
		},
	}
	registerTrusted(cmd.Flags(), &trusted)
	sign.register(cmd.Flags())
	cmd.Flags().StringVar(&to, "to", "", "store to roll back")
	cmd.Flags().StringVar(&reason, "reason", "内容已回退到较早的版本 / the catalog went back to an earlier release", "what the public reads of records that disappear")
	return cmd
}

// rollback publishes release seq of store, which is target as this machine sees it,
// after current.
func rollback(ctx context.Context, env environment, c *common, target cache.Writer, store cache.Store, current *catalog.Release, signer *trust.Signer, seq int64, reason string) error {
	history, err := cache.History(ctx, store, everyRelease)
	if err != nil {
		return err
	}
	var old *cache.Held
	for i := range history {
		if history[i].Manifest.Sequence == seq {
			old = &history[i]
		}
	}
	switch {
	case old == nil:
		return notKept(seq, history)
	case old == &history[0]:
		return usage("第 %d 版就是当前版本", "release %d is the current one", seq)
	}
	earlier, err := cache.Load(ctx, store, old.Pointer())
	if err != nil {
		return err
	}
	if err := ingest.ScreenText(catalog.Text{ZH: "--reason", EN: "--reason"}, reason); err != nil {
		return err
	}
	publication, err := catalog.Republish(ctx, current, earlier, time.Now(), reason)
	if err != nil {
		return err
	}
	if err := publishSigned(ctx, c, target, publication, signer, newAuditLine(target, publication), nil); err != nil {
		return err
	}
	return printRelease(env, c, publication)
}

// notKept says which releases a store keeps in place of the one asked for.
func notKept(sequence int64, history []cache.Held) error {
	var have []string
	for _, h := range history {
		have = append(have, strconv.FormatInt(h.Manifest.Sequence, 10))
	}
	return usage("没有保留第 %d 版；有 %s", "release %d is not kept; kept are %s", sequence, strings.Join(have, ", "))
}

func newExport(env environment, c *common) *cobra.Command {
	var source, bundle, lines, dataset string
	var keep int
	cmd := &cobra.Command{
		Use: "export", Short: "Write releases into a bundle file, or the records of a dataset as JSON Lines",
		Long: `Writes the current release (and earlier ones, with --keep) into one zip file
that luoshu serve --source FILE.luoshu shows and stock tools can open; or, with
--lines and --dataset, the records of a dataset as they are published, one to a line.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if lines != "" {
				return exportLines(ctx, source, catalog.Dataset(dataset), lines)
			}
			if !strings.HasSuffix(bundle, ".luoshu") {
				return usage("--bundle 应是以 .luoshu 结尾的文件名", "--bundle must be a file name that ends in .luoshu")
			}
			store, err := openSource(ctx, source, "source")
			if err != nil {
				return err
			}
			defer func() { _ = store.Close() }()
			target, err := openTarget(ctx, bundle, "bundle")
			if err != nil {
				return err
			}
			defer func() { _ = target.Close() }()
			return copyReleases(ctx, env, c, store, target, keep)
		},
	}
	cmd.Flags().StringVar(&source, "source", "", "store to export")
	cmd.Flags().StringVar(&bundle, "bundle", "", "file to write, FILE.luoshu")
	cmd.Flags().IntVar(&keep, "keep", 1, "how many releases to write, newest first")
	cmd.Flags().StringVar(&lines, "lines", "", "JSON Lines file to write, FILE.jsonl")
	cmd.Flags().StringVar(&dataset, "dataset", string(catalog.Achievements), "dataset of --lines: "+datasetNames())
	return cmd
}

// exportLines writes the records of d in the current release, in canonical form.
func exportLines(ctx context.Context, source string, d catalog.Dataset, name string) error {
	if _, ok := d.Info(); !ok {
		return usage("--dataset：没有数据集“%s”；有 %s", "--dataset %q is unknown; datasets are %s", d, datasetNames())
	}
	store, err := openSource(ctx, source, "source")
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	release, err := currentRelease(ctx, store)
	if err != nil {
		return err
	}
	if release == nil {
		return noRelease(store)
	}
	return cache.Replace(name, func(w io.Writer) error {
		out := bufio.NewWriter(w)
		for _, e := range release.Entries {
			if e.Dataset == d {
				_, _ = out.Write(e.Raw)
				_ = out.WriteByte('\n')
			}
		}
		return out.Flush()
	})
}

func newGC(env environment, c *common) *cobra.Command {
	var to string
	var keep int
	var resume bool
	cmd := &cobra.Command{
		Use: "gc", Short: "Remove old releases and what interrupted publications left",
		Long: `Keeps the last releases and removes every manifest and object that none of them
names. A publication under way at the same moment is not harmed.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if keep < 1 {
				return usage("--keep 至少为 1", "--keep must be at least 1")
			}
			target, err := openTarget(ctx, to, "to")
			if err != nil {
				return err
			}
			defer func() { _ = target.Close() }()
			if resume {
				if _, err := cache.Resume(ctx, target); err != nil {
					return err
				}
			}
			swept, err := cache.Collect(ctx, target, keep)
			if err != nil {
				return err
			}
			if c.json {
				return printJSON(env.stdout, map[string]int64{"manifests": int64(swept.Manifests), "objects": int64(swept.Objects), "bytes": swept.Bytes})
			}
			printer{w: env.stdout, lang: env.language(c.lang)}.line(catalog.Text{
				ZH: "清除 %d 份清单、%d 个对象，共 %d 字节",
				EN: "%d manifests and %d objects removed, %d bytes",
			}, swept.Manifests, swept.Objects, swept.Bytes)
			return nil
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "store to clean")
	cmd.Flags().IntVar(&keep, "keep", cache.Keep, "how many releases to keep, newest first")
	cmd.Flags().BoolVar(&resume, "resume", false, "finish a gc that was interrupted; make sure that no other runs")
	return cmd
}
