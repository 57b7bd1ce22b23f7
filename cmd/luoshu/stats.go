package main

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"luoshu/cache"
	"luoshu/catalog"
)

// mostDays is how far back stats looks: as long as counts are kept.
const mostDays = 400

func newStats(env environment, c *common) *cobra.Command {
	var store string
	days, byDay := 30, false
	cmd := &cobra.Command{
		Use: "stats", Short: "Tell what was scanned, opened and not found, of all nodes together",
		Long: `Reads the counts that the nodes add up in Redis (serve --counts-store): codes that
were scanned, by where they stand, records that were opened, and searches that found
nothing. Numbers below 5 are not shown: they could be one person. What a single node
counted since it started is told by its /statusz.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 1 || days > mostDays {
				return usage("--days 是 1 到 %d 之间的数", "--days is a number from 1 to %d", mostDays)
			}
			if err := checkSpec(store, "counts-store"); err != nil {
				return err
			}
			counts, err := cache.OpenRedisCounts(store)
			if err != nil {
				return wrongSpec(err)
			}
			defer func() { _ = counts.Close() }()
			all, err := counts.Read(cmd.Context(), days)
			if err != nil {
				return err
			}
			figures := cache.Figures(all, byDay)
			if c.json {
				return printJSON(env.stdout, struct {
					Days    int            `json:"days"`
					Least   int            `json:"least"`
					Figures []cache.Figure `json:"figures"`
				}{days, cache.LeastShown, append([]cache.Figure{}, figures...)})
			}
			printer{w: env.stdout, lang: env.language(c.lang)}.figures(figures, days)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&store, "counts-store", "", "Redis in which the nodes add up their counts")
	f.IntVar(&days, "days", days, "how many days, today included")
	f.BoolVar(&byDay, "by-day", false, "tell every day apart")
	return cmd
}

var kindsCounted = map[string]catalog.Text{
	cache.Scan: {ZH: "扫码", EN: "scanned"}, cache.View: {ZH: "浏览", EN: "opened"}, cache.Miss: {ZH: "没有找到", EN: "not found"},
}

// figures prints what was counted, a line each.
func (p printer) figures(all []cache.Figure, days int) {
	p.line(catalog.Text{ZH: "最近 %d 天，少于 %d 次的不显示", EN: "the last %d days; what was counted less than %d times is not shown"}, days, cache.LeastShown)
	for _, f := range all {
		p.line(catalog.Text{ZH: "  %[1]s%[2]s %[3]s%[4]s：%[5]d", EN: "  %[1]s%[2]s %[3]s%[4]s: %[5]d"}, before(f.Day, " "), kindsCounted[f.Kind].In(p.lang), f.What, dashed(f.Placement), f.Count)
	}
}

func before(s, then string) string {
	if s == "" {
		return ""
	}
	return s + then
}

func dashed(placement string) string {
	if placement == "" {
		return ""
	}
	return "-" + placement
}

// openCounts returns the counts of this node, what runs beside the server, and how to close
// them.
func openCounts(store string, log *slog.Logger) (*cache.Counts, func(context.Context), func(), error) {
	if store == "" {
		counts := cache.NewCounts(nil, log)
		return counts, counts.Run, func() {}, nil
	}
	redis, err := cache.OpenRedisCounts(store)
	if err != nil {
		return nil, nil, nil, wrongSpec(err)
	}
	counts := cache.NewCounts(redis, log)
	return counts, counts.Run, func() { _ = redis.Close() }, nil
}
