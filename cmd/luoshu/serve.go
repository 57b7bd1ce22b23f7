package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/demo"
	"luoshu/catalog/snapshot"
	"luoshu/catalog/trust"
	"luoshu/opendata"
)

const (
	defaultAddr = ":8080"
	// drain is how long requests under way may take to finish after a stop.
	drain = 10 * time.Second
)

// serveFlags are the flags of serve.
type serveFlags struct {
	addr, publicURL, terminal, panel string
	sources                          []string
	counts                           string
	watch, trusted                   string
	poll                             time.Duration
	logFormat, logLevel              string
	accessLog                        bool
	terminalToken                    string
	limits                           limitFlags
	admin                            adminFlags
	fleet                            fleetFlags
	node                             atomic.Pointer[cache.Near] // what serves, once there is one
	followed                         []cache.Store              // the sources, opened
	preview                          []string
	reading                          publishFlags // how the files of a preview are read
}

func newServe(env environment, c *common) *cobra.Command {
	s := &serveFlags{}
	cmd := &cobra.Command{
		Use: "serve", Short: "Show a catalog: pages, phone landing and API",
		Long: `Shows the current release of a store and follows it. What was verified once is
kept in the data directory and shown when the store cannot be reached, also after
a restart. Without --source it shows what the data directory holds, or else the
built-in demonstration.

  luoshu serve
  luoshu serve --source redis://localhost:6379/0 --public-url https://luoshu.example
  luoshu serve --source https://hub.example --source redis://backup:6379/0 --watch /media
  luoshu serve --source catalog.luoshu --terminal K3

Where a key is trusted (luoshu trust), only what it has signed is shown.

With --preview it shows how a file would look, to this machine alone: it reports as
luoshu check does, against the current release when there is one, and publishes
and keeps nothing.

  luoshu serve --preview results.xlsx`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(s.preview) > 0 && !cmd.Flags().Changed("addr") {
				s.addr = previewAddr
			}
			return s.run(cmd.Context(), env, c)
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.addr, "addr", defaultAddr, "address to listen on")
	f.StringArrayVar(&s.sources, "source", nil, "store to follow (may be repeated: what comes first is asked first, and none hides another that is ahead)")
	f.StringVar(&s.watch, "watch", "", "folder where USB sticks are mounted or bundles dropped: the latest .luoshu in it is shown and kept")
	f.DurationVar(&s.poll, "poll", 0, "mean time between two looks at each source (default: 15s over a network, 1s on this machine)")
	registerTrusted(f, &s.trusted)
	f.StringVar(&s.publicURL, "public-url", "", "address that links and QR codes begin with (default: the catalog's own, else this machine's in the local network)")
	f.StringVar(&s.terminal, "terminal", "", "name of the terminal this node drives, a letter and up to four digits such as K3; it appears in QR codes, and the catalog's profile says where it stands")
	f.StringVar(&s.panel, "panel", "", "screen, as inches:WIDTHxHEIGHT such as 21.5:1080x1920 (default: the profile's, else that on a terminal)")
	f.StringVar(&s.logFormat, "log-format", "text", "text or json")
	f.StringVar(&s.logLevel, "log-level", "info", "debug, info, warn or error")
	f.BoolVar(&s.accessLog, "access-log", false, "log every request, without addresses of clients")
	f.StringArrayVar(&s.preview, "preview", nil, "file to show as it would look, to this machine alone (may be repeated)")
	f.StringVar(&s.counts, "counts-store", "", "Redis in which the nodes add up what was scanned, opened and not found; of nobody who did (default: counted in memory)")
	f.StringVar(&s.terminalToken, "terminal-token-file", "", "file of the token that luoshu fleet register gave this terminal")
	s.limits.register(f)
	s.admin.register(f)
	s.fleet.register(f)
	s.reading.registerReading(f)
	return cmd
}

// logger writes to stderr as the flags say.
func (s *serveFlags) logger(env environment) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.logLevel)); err != nil {
		return nil, usage("--log-level：%v", "--log-level: %v", err)
	}
	opt := &slog.HandlerOptions{Level: level}
	switch s.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(env.stderr, opt)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(env.stderr, opt)), nil
	}
	return nil, usage("--log-format 是 text 或 json", "--log-format is text or json")
}

func (s *serveFlags) run(ctx context.Context, env environment, c *common) error {
	log, err := s.logger(env)
	if err != nil {
		return err
	}
	public, err := publicAddress(s.publicURL)
	if err != nil {
		return err
	}
	preview := len(s.preview) > 0
	if preview && !loopback(s.addr) {
		return usage("--preview 展示的内容没有发布，只供本机查看；--addr %s 向他人开放", "--preview shows what is not published, to this machine alone; --addr %s is open to others", s.addr)
	}
	limiter, runLimiter := (*opendata.Limiter)(nil), func(context.Context) {}
	if !preview {
		var closeWire func()
		if limiter, runLimiter, closeWire, err = s.limits.open(c.dataDir, log); err != nil {
			return err
		}
		defer closeWire()
	}
	counts, runCounts, closeCounts, err := openCounts(s.counts, log)
	if err != nil {
		return err
	}
	defer closeCounts()
	listener, err := listen(ctx, env, s.addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	bound := listener.Addr().(*net.TCPAddr)
	address := addresses{configured: public, port: bound.Port, loopback: bound.IP.IsLoopback()}
	up := catalog.Text{
		ZH: "洛书已启动：http://localhost:%d/ （接口 /api/v1，停止请按 Ctrl-C）",
		EN: "Luoshu is up: http://localhost:%d/ (API at /api/v1; stop with Ctrl-C)",
	}
	dispatcher, err := s.fleet.open(c.dataDir, log)
	if err != nil {
		return err
	}
	herald, err := s.herald(c.dataDir, s.node.Load)
	if err != nil {
		return err
	}
	ctx = cache.WithHerald(ctx, herald)
	dispatcher.self = herald
	var near *cache.Near
	var exporter *opendata.Exporter
	closeStore := func() {}
	if preview {
		near, err = s.loadPreview(ctx, env, c, log)
		exporter = fixedExporter(near, "", log) // what is not published stays off the disk
		address = addresses{preview: "http://" + bound.String()}
		up = catalog.Text{
			ZH: "预览：http://localhost:%d/ （未发布，仅本机可见，停止请按 Ctrl-C）",
			EN: "preview: http://localhost:%d/ (not published, for this machine alone; stop with Ctrl-C)",
		}
	} else {
		near, exporter, closeStore, err = s.follow(ctx, c.dataDir, log)
	}
	if err != nil {
		return err
	}
	defer closeStore()
	dispatcher.near = near
	telemetry := newTelemetry(near, dispatcher)
	admin, err := s.admin.open(ctx, c.dataDir, telemetry, dispatcher, log)
	if err != nil {
		return err
	}
	options := serverOptions{address: address, terminal: s.terminal, panel: s.panel, preview: preview, exporter: exporter, limiter: limiter, counts: counts, dispatcher: dispatcher, log: log, accessLog: s.accessLog}
	if admin != nil {
		options.telemetry = telemetry
	}
	app, err := newApp(near, options)
	if err != nil {
		return asUsage(err)
	}
	out := env.stdout
	if c.json {
		out = env.stderr
	}
	printer{w: out, lang: env.language(c.lang)}.line(up, bound.Port)

	following, stopFollowing := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { near.Run(following) })
	group.Go(func() { exporter.Run(following) })
	group.Go(func() { runLimiter(following) })
	group.Go(func() { runCounts(following) })
	group.Go(func() { dispatcher.run(following) })
	group.Go(func() { warnOfSources(following, s.followed, log) })
	group.Go(func() { admin.run(following) })
	defer group.Wait()
	defer stopFollowing()

	failed := make(chan error, 1)
	group.Go(func() { failed <- app.Listener(doors{listener}) })
	notify := newNotifier(env.lookup)
	if err := notify.send(ctx, "READY=1"); err != nil {
		log.Warn("systemd could not be told that the service is ready", slog.Any("error", err))
	}
	group.Go(func() { notify.run(following, asking(net.JoinHostPort(hostOf(bound), strconv.Itoa(bound.Port)))) })
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping")
	_ = notify.send(context.WithoutCancel(ctx), "STOPPING=1")
	return app.ShutdownWithTimeout(drain)
}

// hostOf returns a host that leads to bound from this machine.
func hostOf(bound *net.TCPAddr) string {
	if bound.IP.IsUnspecified() {
		return "localhost"
	}
	return bound.IP.String()
}

// follow opens the source and the data directory and loads what there is. A
// source that cannot be reached is no error: the last good release is shown, or
// a page that says that there is none.
func (s *serveFlags) follow(ctx context.Context, dataDir string, log *slog.Logger) (*cache.Near, *opendata.Exporter, func(), error) {
	// A data directory that cannot be written costs the cold start, not the
	// service.
	local, err := cache.OpenDirectory(releasesDir(dataDir))
	if err != nil {
		log.Warn("the data directory cannot be used; releases are not kept on this machine", slog.Any("error", err))
		local = nil
	}
	exports := ""
	if local != nil {
		exports = filepath.Join(dataDir, "exports")
	}
	sources, closeStores, err := s.open(ctx, local, log)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(sources) == 0 {
		publication, err := demo.Build(ctx)
		if err != nil {
			return nil, nil, nil, err
		}
		log.Info("no source is configured and the data directory holds no release: showing the demonstration")
		near, err := cache.NewFixed(ctx, publication, "embedded demonstration")
		return near, fixedExporter(near, exports, log), func() {}, err
	}
	var near *cache.Near
	exporter := opendata.NewExporter(opendata.ExporterConfig{Dir: exports, Reading: func() func() { return near.Reading().Done }, Logger: log})
	near = cache.NewNear(cache.Options{
		Source: sources[0], Also: sources[1:], Local: local, Poll: max(s.poll, 0), Logger: log,
		OnSwap: func(s *snapshot.Snapshot) {
			exporter.Swap(s)
			warnDeskless(log, s)
		},
		Trusted: func() ([]trust.Key, error) { return readTrusted(s.trusted, dataDir) },
	})
	s.node.Store(near)
	s.followed = sources
	if err := near.Start(ctx); err != nil {
		log.Warn("there is no release to show yet", slog.String("source", sources[0].String()), slog.Any("error", err))
	}
	return near, exporter, closeStores, nil
}

// fixedExporter makes the exports of a near cache that does not change, in the folder
// dir, or in memory without one.
func fixedExporter(near *cache.Near, dir string, log *slog.Logger) *opendata.Exporter {
	x := opendata.NewExporter(opendata.ExporterConfig{Dir: dir, Logger: log})
	if near != nil {
		if s := near.Current(); s != nil {
			x.Swap(s)
		}
	}
	return x
}

// open returns the stores to follow: the configured ones, else the data directory
// when it holds a release, else none.
func (s *serveFlags) open(ctx context.Context, local *cache.Directory, log *slog.Logger) ([]cache.Store, func(), error) {
	var stores []cache.Store
	closeStores := func() {
		for _, store := range stores {
			_ = store.Close()
		}
	}
	for _, source := range s.sources {
		store, err := openSource(ctx, source, "source")
		if err != nil {
			closeStores()
			return nil, nil, err
		}
		stores = append(stores, store)
	}
	if s.watch != "" {
		folder, err := cache.OpenFolder(s.watch)
		if err != nil {
			closeStores()
			return nil, nil, asUsage(err)
		}
		stores = append(stores, folder)
	}
	if len(stores) > 0 {
		return stores, closeStores, nil
	}
	if local == nil {
		return nil, func() {}, nil
	}
	switch _, err := local.Current(ctx); {
	case errors.Is(err, catalog.ErrNoRelease), errors.Is(err, fs.ErrNotExist):
		return nil, func() {}, nil
	case errors.Is(err, catalog.ErrUnavailable):
		log.Warn("the data directory cannot be read", slog.Any("error", err))
		return nil, func() {}, nil
	}
	// A damaged pointer is not "no release": the page will say what is wrong.
	return []cache.Store{local}, func() {}, nil
}

// publicAddress checks --public-url.
func publicAddress(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	base, err := catalog.ParseBaseURL(s)
	if err != nil {
		return "", usage("--public-url：%v", "--public-url: %v", err)
	}
	return base, nil
}

// addresses knows which address leads to this node from outside.
type addresses struct {
	configured string
	port       int
	loopback   bool // listens to this machine alone
	// preview is this machine's own address when what is shown is not published.
	preview string
}

// links returns what the links of the interface begin with, empty for the
// catalog's own address.
func (a addresses) links() string {
	if a.preview != "" {
		return a.preview
	}
	return a.configured
}

// base returns the address that links and codes of a release begin with: the
// configured one, the catalog's own, or this machine's in the local network,
// which a phone in the same room can open. Where there is none it says why. The
// Host header never decides.
func (a addresses) base(m *catalog.Manifest) (string, catalog.Text) {
	if a.preview != "" {
		return "", catalog.Text{
			ZH: "预览未发布，二维码扫不开，因此不显示。",
			EN: "A preview is not published: a code would lead nowhere, so none is shown.",
		}
	}
	if a.configured != "" {
		return a.configured, catalog.Text{}
	}
	if m.PublicURL != "" {
		return m.PublicURL, catalog.Text{}
	}
	if ip := localAddress(); ip != "" && !a.loopback {
		return "http://" + net.JoinHostPort(ip, strconv.Itoa(a.port)), catalog.Text{}
	}
	return "", catalog.Text{
		ZH: "没有公开网址，手机打不开二维码，因此不显示。",
		EN: "There is no public address that a phone could open, so no code is shown.",
	}
}

// localAddress returns this machine's first private IPv4 address, which others
// in the same network reach it by. Interfaces come and go, so it is asked anew
// every few seconds.
var localAddress = func() func() string {
	const fresh = 5 * time.Second
	var mu sync.Mutex
	var known string
	var asked time.Time
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(asked) < fresh {
			return known
		}
		known, asked = "", time.Now()
		all, err := net.InterfaceAddrs()
		if err != nil {
			return ""
		}
		for _, a := range all {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsPrivate() {
				known = n.IP.String()
				break
			}
		}
		return known
	}
}()
