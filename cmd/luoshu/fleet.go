package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"luoshu/cache"
	"luoshu/catalog"
)

// silentAfter is how long a terminal may say nothing: it asks every half minute, and
// waits up to some minutes where its hub did not answer.
const silentAfter = 10 * time.Minute

// fleetFlags say where a hub keeps what terminals say, and who they are.
type fleetFlags struct {
	store     string
	terminals string
}

func (f *fleetFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.store, "fleet-store", "", "Redis through which the gateways of a hub share what terminals say of themselves, and in which a terminal that follows no hub says it")
	fs.StringVar(&f.terminals, "terminals", "", "file of the terminals that were registered (default: terminals.jsonl in the data directory)")
}

func (f *fleetFlags) file(dataDir string) string {
	return dataFile(f.terminals, dataDir, "terminals.jsonl")
}

// dispatcher hears terminals and tells the operator how they are.
type dispatcher struct {
	fleet  *cache.Fleet
	near   *cache.Near
	tokens *keyring
	now    func() time.Time
	// self is what this node says of itself where the fleet is shared; nil for one that is no
	// terminal.
	self cache.Herald
}

// speakEvery is how often a terminal says how it is where nobody asks.
const speakEvery = 30 * time.Second

// open returns the dispatcher. What it knows of near is set later.
func (f *fleetFlags) open(dataDir string, log *slog.Logger) (*dispatcher, error) {
	tokens := &keyring{path: f.file(dataDir), log: log}
	if err := tokens.load(); err != nil {
		return nil, err
	}
	fleet, err := cache.OpenFleet(f.store)
	if err != nil {
		return nil, wrongSpec(err)
	}
	return &dispatcher{fleet: fleet, tokens: tokens, now: time.Now}, nil
}

func (d *dispatcher) run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.tokens.run(ctx)
	}()
	d.speak()
	spoken := make(chan struct{})
	go func() {
		defer close(spoken)
		ticker := time.NewTicker(speakEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				d.speak()
			}
		}
	}()
	d.fleet.Run(ctx)
	<-done
	<-spoken
	_ = d.fleet.Close()
}

// speak puts into the shared fleet how this terminal is, for one that follows a Redis or a
// stick: no hub hears it. Whoever may write there is believed.
func (d *dispatcher) speak() {
	if d.self != nil && d.fleet.Shared() {
		a, _ := d.self()
		d.fleet.See(cache.Sighting{Announcement: a, Registered: true, SeenAt: d.now().UTC().Truncate(time.Second)})
	}
}

// heard takes in what a terminal says while it asks what is current. What is wrong with
// it is no reason to refuse the question.
func (d *dispatcher) heard(c *fiber.Ctx) error {
	if said := c.Get(cache.AnnouncementHeader); said != "" {
		if a, err := cache.ParseAnnouncement(said); err == nil {
			holder, known := d.tokens.holder(sha256.Sum256([]byte(c.Get(cache.TokenHeader))))
			d.fleet.See(cache.Sighting{Announcement: a, Registered: known && holder == a.Terminal, SeenAt: d.now().UTC().Truncate(time.Second)})
		}
	}
	return c.Next()
}

// The states of a terminal, the gravest first.
const (
	silent  = "silent"
	failing = "failing"
	behind  = "behind"
	unheard = "unheard" // expected, and was never heard of
	well    = "ok"
)

var states = []string{silent, failing, behind, unheard, well}

var stateTexts = map[string]catalog.Text{
	silent:  {ZH: "失联", EN: "silent"},
	failing: {ZH: "有故障", EN: "failing"},
	behind:  {ZH: "落后", EN: "behind"},
	unheard: {ZH: "未报到", EN: "never heard"},
	well:    {ZH: "正常", EN: "ok"},
}

// stationed is a terminal as the operator sees it.
type stationed struct {
	cache.Sighting
	State string `json:"state"`
}

// fleetReport is the answer of /fleet.json, and what luoshu fleet --json prints.
type fleetReport struct {
	// Release is the sequence that terminals should show.
	Release   int64       `json:"release"`
	Terminals []stationed `json:"terminals"`
	// Problem tells that other gateways could not be asked.
	Problem string `json:"problem,omitempty"`
}

// reportOf sorts terminals by what troubles them. release is what they should show;
// expected are the names of those that there are, as far as is known.
func reportOf(ctx context.Context, fleet *cache.Fleet, release int64, expected []string, now time.Time) fleetReport {
	seen, err := fleet.All(ctx)
	for _, id := range expected {
		if !slices.ContainsFunc(seen, func(s cache.Sighting) bool { return s.Terminal == id }) {
			seen = append(seen, cache.Sighting{Announcement: cache.Announcement{Terminal: id, DiskFree: -1}})
		}
	}
	r := fleetReport{Release: release, Terminals: []stationed{}}
	if err != nil {
		r.Problem = err.Error()
	}
	for _, state := range states {
		for _, s := range seen {
			if stateOf(s, release, now) == state {
				r.Terminals = append(r.Terminals, stationed{s, state})
			}
		}
	}
	return r
}

func stateOf(s cache.Sighting, release int64, now time.Time) string {
	switch {
	case s.SeenAt.IsZero():
		return unheard
	case now.Sub(s.SeenAt) > silentAfter:
		return silent
	case s.Problem != "":
		return failing
	case s.Release < release:
		return behind
	}
	return well
}

func (d *dispatcher) report(ctx context.Context) fleetReport {
	var expected []string
	if s := d.near.Current(); s != nil {
		for _, t := range s.Manifest().Terminals {
			expected = append(expected, t.ID)
		}
	}
	return reportOf(ctx, d.fleet, d.near.Status().Release, append(expected, d.tokens.holders()...), d.now())
}

func (d *dispatcher) json(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = printJSON(w, d.report(r.Context()))
}

func newFleet(env environment, c *common) *cobra.Command {
	var f fleetFlags
	var address, token string
	cmd := &cobra.Command{
		Use: "fleet", Short: "Show which terminals are silent, failing or behind",
		Long: `A terminal that follows a hub (--source https://HUB) says how it is whenever it asks
what is current; one that follows a Redis says it there, where --fleet-store names
one. This lists the last word of each: from the admin listener of a hub on this
machine, or from the Redis that the gateways of a hub share. A terminal that was
registered, or that the catalog's profile names, and was never heard is listed too:
one that lives on USB sticks alone has no line to speak over.

  luoshu fleet
  luoshu fleet --fleet-store redis://localhost:6379/2

Anybody can claim to be a terminal. One that is registered proves it with a token:

  luoshu fleet register K3 > K3.token        on the hub
  luoshu serve --terminal K3 --terminal-token-file K3.token --source https://HUB`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			admin := adminFlags{token: token}
			r, err := askFleet(cmd.Context(), f, address, admin.tokenFile(c.dataDir), f.file(c.dataDir))
			if err != nil {
				return err
			}
			if c.json {
				return printJSON(env.stdout, r)
			}
			printer{w: env.stdout, lang: env.language(c.lang)}.fleet(r, time.Now())
			return nil
		},
	}
	f.register(cmd.PersistentFlags())
	cmd.Flags().StringVar(&address, "admin-addr", "127.0.0.1:9180", "admin listener of the hub to ask")
	cmd.Flags().StringVar(&token, "admin-token-file", "", "file of its token (default: admin-token in the data directory)")
	cmd.AddCommand(&cobra.Command{
		Use: "register ID", Short: "Register a terminal and show its token, once", Args: arguments(1, 1, "the name of a terminal, such as K3"),
		RunE: func(_ *cobra.Command, args []string) error {
			return registerTerminal(env, c, f.file(c.dataDir), args[0])
		},
	}, &cobra.Command{
		Use: "remove ID", Short: "Make the token of a terminal worthless", Args: arguments(1, 1, "the name of a registered terminal"),
		RunE: func(_ *cobra.Command, args []string) error {
			return revokeKey(env, c, f.file(c.dataDir), args[0])
		},
	})
	return cmd
}

// registerTerminal gives a terminal a token; the one it had is worth nothing any more.
func registerTerminal(env environment, c *common, path, id string) error {
	if !catalog.ValidTerminal(id) {
		return usage("终端的名称是一个字母加至多四位数字，如 K3", "a terminal is named by a letter and up to four digits, such as K3")
	}
	registered, err := readKeys(path)
	if err != nil {
		return err
	}
	secret, k := newSecret(id, "")
	kept := registered[:0]
	for _, r := range registered {
		if r.ID != id {
			kept = append(kept, r)
		}
	}
	if err := writeLines(path, append(kept, k)); err != nil {
		return err
	}
	if c.json {
		return printJSON(env.stdout, map[string]string{"terminal": id, "token": secret})
	}
	printer{w: env.stdout}.line(catalog.Text{ZH: "%s"}, secret)
	printer{w: env.stderr, lang: env.language(c.lang)}.line(catalog.Text{
		ZH: "%s 的令牌只显示这一次：存入终端上的文件，用 --terminal-token-file 指明",
		EN: "the token of %s is shown this once: put it into a file on the terminal and name that with --terminal-token-file",
	}, id)
	return nil
}

// askFleet returns the report of a hub's admin listener, or makes it from what its
// gateways share; terminals is the file of those that are registered.
func askFleet(ctx context.Context, f fleetFlags, address, tokenFile, terminals string) (fleetReport, error) {
	if f.store != "" {
		fleet, err := cache.OpenFleet(f.store)
		if err != nil {
			return fleetReport{}, wrongSpec(err)
		}
		defer func() { _ = fleet.Close() }()
		seen, err := fleet.All(ctx)
		if err != nil {
			return fleetReport{}, err
		}
		release := int64(0) // the newest that any terminal has is what all should have
		for _, s := range seen {
			release = max(release, s.Release)
		}
		registered, err := readKeys(terminals)
		if err != nil {
			return fleetReport{}, err
		}
		var expected []string
		for _, k := range registered {
			expected = append(expected, k.ID)
		}
		return reportOf(ctx, fleet, release, expected, time.Now()), nil
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return fleetReport{}, catalog.NewTextError(catalog.ErrUnavailable, catalog.Text{
			ZH: "%v；中心节点须以 --admin-addr 启动，或用 --fleet-store 指明网关共用的 Redis",
			EN: "%v; the hub must run with --admin-addr, or --fleet-store name the Redis its gateways share",
		}, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/fleet.json", nil)
	if err != nil {
		return fleetReport{}, asUsage(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	client := http.Client{Timeout: healthTimeout}
	res, err := client.Do(req)
	if err != nil {
		return fleetReport{}, catalog.NewTextError(catalog.ErrUnavailable, catalog.Text{
			ZH: "%v；中心节点须以 --admin-addr 启动", EN: "%v; the hub must run with --admin-addr",
		}, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fleetReport{}, catalog.NewTextError(catalog.ErrUnavailable, catalog.Text{
			ZH: "%s 回答 %s；请核对 --admin-token-file", EN: "%s answers %s; is --admin-token-file the one of that node?",
		}, address, res.Status)
	}
	var r fleetReport
	return r, json.UnmarshalRead(io.LimitReader(res.Body, 64<<20), &r)
}

// fleet prints a table.
func (p printer) fleet(r fleetReport, now time.Time) {
	if len(r.Terminals) == 0 {
		p.line(catalog.Text{ZH: "还没有终端报到", EN: "no terminal was heard yet"})
		return
	}
	rows := [][]string{fleetHeads(p.lang)}
	for _, t := range r.Terminals {
		rows = append(rows, fleetRow(t, r.Release, now, p.lang))
	}
	p.table(rows)
	if r.Problem != "" {
		p.line(catalog.Text{ZH: "其他网关听到的未能读取：%s", EN: "what other gateways heard could not be read: %s"}, r.Problem)
	}
}

func fleetHeads(lang string) []string {
	heads := []catalog.Text{
		{ZH: "终端", EN: "Terminal"},
		{ZH: "状态", EN: "State"},
		{ZH: "发布", EN: "Release"},
		{ZH: "上次报到", EN: "Heard"},
		{ZH: "已运行", EN: "Up"},
		{ZH: "重启", EN: "Restarts"},
		{ZH: "磁盘余量", EN: "Disk left"},
		{ZH: "版本", EN: "Version"},
		{ZH: "说明", EN: "Remark"},
	}
	all := make([]string, len(heads))
	for i, h := range heads {
		all[i] = h.In(lang)
	}
	return all
}

// fleetSummary counts the terminals that something is wrong with.
func fleetSummary(r fleetReport, lang string) string {
	troubled := 0
	for _, t := range r.Terminals {
		if t.State != well {
			troubled++
		}
	}
	return fmt.Sprintf(catalog.Text{ZH: "当前发布 %d；终端 %d 台，需要留意 %d 台。", EN: "Current release %d; %d terminals, %d to look after."}.In(lang), r.Release, len(r.Terminals), troubled)
}

// fleetRow writes a terminal out for people.
func fleetRow(t stationed, release int64, now time.Time, lang string) []string {
	if t.State == unheard {
		return []string{t.Terminal, stateTexts[t.State].In(lang), fmt.Sprintf("-/%d", release), "-", "-", "-", "-", "", ""}
	}
	remark := t.Problem
	if !t.Registered {
		remark = strings.TrimSpace(catalog.Text{ZH: "未登记", EN: "not registered"}.In(lang) + "  " + remark)
	}
	disk := "-"
	if t.DiskFree >= 0 {
		disk = fmt.Sprintf("%.1f GB", float64(t.DiskFree)/1e9)
	}
	return []string{
		t.Terminal, stateTexts[t.State].In(lang), fmt.Sprintf("%d/%d", t.Release, release), span(now.Sub(t.SeenAt), lang),
		span(time.Duration(min(t.UptimeSeconds, mostSeconds))*time.Second, lang), strconv.FormatInt(t.Restarts, 10), disk, t.Version, remark,
	}
}

// mostSeconds is a century, beyond which nobody believes a terminal.
const mostSeconds = 100 * 365 * 24 * 3600

// span writes a duration in its largest unit.
func span(d time.Duration, lang string) string {
	units := []struct {
		of   time.Duration
		text catalog.Text
	}{
		{24 * time.Hour, catalog.Text{ZH: "%d 天", EN: "%d d"}},
		{time.Hour, catalog.Text{ZH: "%d 小时", EN: "%d h"}},
		{time.Minute, catalog.Text{ZH: "%d 分", EN: "%d min"}},
	}
	for _, u := range units {
		if d >= u.of {
			return fmt.Sprintf(u.text.In(lang), d/u.of)
		}
	}
	return fmt.Sprintf(catalog.Text{ZH: "%d 秒", EN: "%d s"}.In(lang), max(0, d/time.Second))
}
