package main

import (
	"context"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"luoshu/cache"
	"luoshu/opendata"
)

// limitFlags say how often clients may ask the interface.
type limitFlags struct {
	limits, store, keys string
	proxies             []string
}

func (l *limitFlags) register(f *pflag.FlagSet) {
	f.StringVar(&l.limits, "limits", "", "requests of the API per client, CLASS=PER-SECOND/AT-ONCE/PER-DAY,… for the classes record, search and export (0 a day is no end); or off (default: "+formatLimits(opendata.DefaultLimits)+")")
	f.StringVar(&l.store, "limits-store", "", "Redis through which the nodes of a hub share the limits")
	f.StringSliceVar(&l.proxies, "trusted-proxy", nil, "network of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8 (several with commas, or repeated)")
	registerKeys(f, &l.keys)
}

// open returns the limiter, which is nil with --limits off, what it runs beside the
// server, and how to close it.
func (l *limitFlags) open(dataDir string, log *slog.Logger) (*opendata.Limiter, func(context.Context), func(), error) {
	limits, on, err := parseLimits(l.limits)
	if err != nil {
		return nil, nil, nil, err
	}
	proxies, err := parseProxies(l.proxies)
	if err != nil {
		return nil, nil, nil, err
	}
	if !on {
		return nil, func(context.Context) {}, func() {}, nil
	}
	keys := &keyring{path: dataFile(l.keys, dataDir, keysFile), log: log}
	if err := keys.load(); err != nil {
		return nil, nil, nil, err
	}
	config := opendata.LimiterConfig{Limits: limits, Proxies: proxies, Key: keys.knows, Logger: log}
	closeWire := func() {}
	if l.store != "" {
		wire, err := cache.OpenWire(l.store)
		if err != nil {
			return nil, nil, nil, wrongSpec(err)
		}
		config.Wire, closeWire = wire, func() { _ = wire.Close() }
	}
	limiter, err := opendata.NewLimiter(config)
	if err != nil {
		closeWire()
		return nil, nil, nil, asUsage(err)
	}
	run := func(ctx context.Context) {
		var group sync.WaitGroup
		group.Go(func() { limiter.Run(ctx) })
		group.Go(func() { keys.run(ctx) })
		group.Wait()
	}
	return limiter, run, closeWire, nil
}

// parseLimits reads --limits. What it leaves out stays at its default.
func parseLimits(s string) (limits opendata.Limits, on bool, err error) {
	limits = opendata.DefaultLimits
	switch s {
	case "":
		return limits, true, nil
	case "off":
		return limits, false, nil
	}
	refuse := func(item string) error {
		return usage("--limits：“%s”应写作 类别=每秒/一次/每天，如 search=20/200/200000，类别为 record、search、export；或 off",
			"--limits: %q should be CLASS=PER-SECOND/AT-ONCE/PER-DAY, such as search=20/200/200000, with the classes record, search and export; or off", item)
	}
	given := map[opendata.Class]bool{}
	for item := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		parts := strings.Split(value, "/")
		class, known := classNamed(name)
		if !known || given[class] || len(parts) != 3 {
			return limits, true, refuse(item)
		}
		given[class] = true
		var errs [3]error
		l := &limits[class]
		l.Rate, errs[0] = strconv.ParseFloat(parts[0], 64)
		l.Burst, errs[1] = strconv.Atoi(parts[1])
		l.Day, errs[2] = strconv.Atoi(parts[2])
		if errs != [3]error{} {
			return limits, true, refuse(item)
		}
	}
	if err := limits.Check(); err != nil {
		return limits, true, asUsage(err)
	}
	return limits, true, nil
}

func classNamed(name string) (opendata.Class, bool) {
	for c := range (opendata.Limits{}) {
		if opendata.Class(c).String() == name {
			return opendata.Class(c), true
		}
	}
	return 0, false
}

// formatLimits is the reverse of parseLimits.
func formatLimits(limits opendata.Limits) string {
	var all []string
	for c, l := range limits {
		all = append(all, opendata.Class(c).String()+"="+strconv.FormatFloat(l.Rate, 'f', -1, 64)+"/"+strconv.Itoa(l.Burst)+"/"+strconv.Itoa(l.Day))
	}
	return strings.Join(all, ",")
}

// parseProxies reads --trusted-proxy: networks, or single addresses.
func parseProxies(all []string) ([]netip.Prefix, error) {
	var proxies []netip.Prefix
	for _, s := range all {
		p, err := netip.ParsePrefix(s)
		if addr, errAddr := netip.ParseAddr(s); errAddr == nil {
			p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, usage("--trusted-proxy：“%s”不是网段，如 10.0.0.0/8", "--trusted-proxy: %q is no network such as 10.0.0.0/8", s)
		}
		proxies = append(proxies, p.Masked())
	}
	return proxies, nil
}
