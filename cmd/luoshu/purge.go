package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"luoshu/cache"
	"luoshu/catalog"
)

// purgeFlags are the flags of purge.
type purgeFlags struct {
	to, reason, trusted string
	sign                signFlags
}

func newPurge(env environment, c *common) *cobra.Command {
	p := &purgeFlags{}
	cmd := &cobra.Command{
		Use: "purge ID…", Short: "Take records back everywhere: their text is removed from every kept release",
		Long: `For what should never have been published. Publishes a release without the records
and removes every earlier release from the store. Hubs, terminals and mirrors do the
same when they get this release: its objects, segments, exports and earlier releases.
A code still answers, 410, without title or text. Nothing brings the record back:
neither rollback nor --restore, nor an older bundle.

The reason stays in the audit record on this machine; the public reads only that the
record was recalled. To withdraw a record that may stay in earlier releases, use
publish --withdraw.`,
		Args: arguments(1, -1, "the identifiers of the records"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), env, c, args) },
	}
	f := cmd.Flags()
	f.StringVar(&p.to, "to", "", "store to publish to")
	f.StringVar(&p.reason, "reason", "", "why, for the audit record; the public does not read it")
	registerTrusted(f, &p.trusted)
	p.sign.register(f)
	return cmd
}

func (p *purgeFlags) run(ctx context.Context, env environment, c *common, args []string) error {
	if strings.TrimSpace(p.reason) == "" {
		return usage("收回须说明原因：--reason", "a recall needs a reason: --reason")
	}
	if len([]rune(p.reason)) > mostWords {
		return usage("--reason 超过 %d 字", "--reason has more than %d characters", mostWords)
	}
	var ids []catalog.ID
	for _, arg := range args {
		id, err := catalog.ParseID(arg)
		if err != nil {
			return usage("%s：%v", "%s: %v", arg, err)
		}
		ids = append(ids, id)
	}
	signer, err := p.sign.open(env, env.language(c.lang))
	if err != nil {
		return err
	}
	target, err := openTarget(ctx, p.to, "to")
	if err != nil {
		return err
	}
	defer func() { _ = target.Close() }()
	if err := target.Prepare(ctx); err != nil {
		return err
	}
	base, err := p.sign.base(ctx, c, p.trusted, target, signer)
	if err != nil {
		return err
	}
	if base == nil {
		return noRelease(target)
	}
	draft := catalog.NewDraft(base, time.Now())
	for _, id := range ids {
		// What was recalled before is swept once more: the last time it may have been
		// interrupted.
		if err := draft.Recall(id); err != nil && !errors.Is(err, catalog.ErrWithdrawn) {
			return refused("没有 %s：%v", "%s: %v", id, err)
		}
	}
	last := &catalog.Publication{Release: base}
	if !draft.Empty() {
		if last, err = draft.Build(ctx, catalog.BuildOptions{AsOf: base.Manifest.AsOf}); err != nil {
			return err
		}
		line := newAuditLine(target, last)
		line.Because = p.reason
		for _, id := range ids {
			line.Recalled = append(line.Recalled, string(id))
		}
		if err := publishSigned(ctx, c, target, last, signer, line, nil); err != nil {
			return err
		}
	}
	if _, err := cache.Collect(ctx, target, everyRelease); err != nil {
		return catalog.NewTextError(nil, catalog.Text{
			ZH: "已经收回，但较早的内容还在 %v 中：%v；请再执行一次同样的命令", EN: "recalled, but earlier text is still in %v: %v; run the same command again",
		}, target, err)
	}
	return printRelease(env, c, last)
}
