package main

import (
	"context"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/ingest"
	"luoshu/catalog/screen"
)

func newScreen(env environment, c *common) *cobra.Command {
	var source, release string
	cmd := &cobra.Command{
		Use: "screen", Short: "Screen again what is published, after the rules have changed",
		Long: `Applies the rules of secrecy and personal data to a release of a store, its
tombstones and the description of the catalog, and names what would not pass today.
It changes nothing: withdraw what must go, or publish it again corrected. A pass
never proves the absence of secrets.

Exit code 3 when there is something to do.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return screenStore(cmd.Context(), env, c, source, release)
		},
	}
	cmd.Flags().StringVar(&source, "source", "", "store to look into")
	cmd.Flags().StringVar(&release, "release", currentWord, "sequence number of the release, or current")
	return cmd
}

// currentWord stands for the release that the pointer names.
const currentWord = "current"

// screenedRelease is what screen prints with --json.
type screenedRelease struct {
	Release int64             `json:"release"`
	Records int               `json:"records"`
	Rules   int               `json:"rules"` // their edition
	Found   []ingest.Screened `json:"found"`
}

func screenStore(ctx context.Context, env environment, c *common, source, which string) error {
	store, err := openSource(ctx, source, "source")
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	release, err := releaseOf(ctx, store, which)
	if err != nil {
		return err
	}
	known, err := readApprovals(c.dataDir)
	if err != nil {
		return err
	}
	found, err := ingest.ScreenRelease(release, known)
	if err != nil {
		return err
	}
	if c.json {
		if err := printJSON(env.stdout, screenedRelease{release.Manifest.Sequence, len(release.Entries), screen.Edition, found}); err != nil {
			return err
		}
	} else {
		printScreened(printer{w: env.stdout, lang: env.language(c.lang)}, release, found)
	}
	if len(found) > 0 {
		return refused("%d 处按现在的规则不能发布", "%d places would not pass today", len(found))
	}
	return nil
}

// releaseOf loads the release that which names: a sequence number, or current.
func releaseOf(ctx context.Context, store cache.Store, which string) (*catalog.Release, error) {
	if which == currentWord {
		release, err := currentRelease(ctx, store)
		if err == nil && release == nil {
			err = noRelease(store)
		}
		return release, err
	}
	sequence, err := strconv.ParseInt(which, 10, 64)
	if err != nil || sequence < 1 {
		return nil, usage("--release 应是发布的序号，或 current", "--release is the sequence number of a release, or current")
	}
	history, err := cache.History(ctx, store, everyRelease)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(history, func(h cache.Held) bool { return h.Manifest.Sequence == sequence })
	if i < 0 {
		return nil, notKept(sequence, history)
	}
	return cache.Load(ctx, store, history[i].Pointer())
}

func printScreened(p printer, release *catalog.Release, found []ingest.Screened) {
	p.line(catalog.Text{
		ZH: "第 %d 版，%d 条，按第 %d 版规则：%d 处不合规则", EN: "release %d, %d records, rules edition %d: %d places against the rules",
	}, release.Manifest.Sequence, len(release.Entries), screen.Edition, len(found))
	for _, s := range found {
		name := string(s.ID)
		if name == "" {
			name = catalog.Text{ZH: "目录说明", EN: "profile"}.In(p.lang)
		}
		for _, f := range s.Findings {
			p.line(catalog.Text{ZH: "  %s %s %s：%s", EN: "  %s %s %s: %s"}, name, f.Field, f.Rule, f.Text().In(p.lang))
		}
	}
}
