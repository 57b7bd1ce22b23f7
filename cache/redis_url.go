package cache

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"luoshu/catalog"
)

// RedisForms are the addresses OpenRedis accepts, for messages to people.
const RedisForms = `redis://[USER:PASSWORD@]HOST[:6379][/DB][?catalog=NAME]
redis-cluster://[USER:PASSWORD@]HOST,HOST,HOST[?catalog=NAME]
redis-sentinel://[USER:PASSWORD@]HOST[:26379],HOST,HOST[/DB]?master=NAME[&catalog=NAME]
(rediss:, rediss-cluster:, rediss-sentinel: the same over TLS)`

// redisAddress is what the URL of a Redis store says.
type redisAddress struct {
	kind           redisKind
	tls            bool
	user, password string
	hosts          []string // HOST:PORT
	db             int
	master         string // the Sentinel's name for the master
	catalog        string // part of every key
}

type redisKind string

const (
	redisSingle   redisKind = ""
	redisCluster  redisKind = "-cluster"
	redisSentinel redisKind = "-sentinel"
)

// parseRedisURL reads the URL of a Redis store. The error wraps
// catalog.ErrInvalid and never quotes what may be a password.
func parseRedisURL(raw string) (redisAddress, error) {
	var none redisAddress
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("redis URL: "+format+": %w", append(args, catalog.ErrInvalid)...)
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	kind, known := strings.CutPrefix(scheme, "redis")
	a := redisAddress{catalog: "luoshu"}
	kind, a.tls = strings.CutPrefix(kind, "s")
	a.kind = redisKind(kind)
	if !ok || !known || !slices.Contains([]redisKind{redisSingle, redisCluster, redisSentinel}, a.kind) {
		return none, refuse("want one of\n%s\n", RedisForms)
	}

	// net/url takes one host only, so the parts are cut by hand.
	authority, rest := cutAt(rest, "/?#")
	path, rest := cutAt(rest, "?#")
	query, fragment := cutAt(rest, "#")
	if fragment != "" {
		return none, refuse("there is a #; write %%23 in a password")
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, password, _ := strings.Cut(authority[:i], ":")
		var errUser, errPassword error
		a.user, errUser = url.PathUnescape(user)
		a.password, errPassword = url.PathUnescape(password)
		if errUser != nil || errPassword != nil {
			return none, refuse("a %% in user or password must be written %%25")
		}
		authority = authority[i+1:]
	}

	port := "6379"
	if a.kind == redisSentinel {
		port = "26379"
	}
	for host := range strings.SplitSeq(authority, ",") {
		h, ok := hostPort(host, port)
		if !ok {
			return none, refuse("host %d is no HOST or HOST:PORT", len(a.hosts)+1)
		}
		a.hosts = append(a.hosts, h)
	}
	if a.kind == redisSingle && len(a.hosts) > 1 {
		return none, refuse("several hosts; want redis-cluster:// or redis-sentinel://")
	}

	if path = strings.TrimPrefix(path, "/"); path != "" {
		db, err := strconv.ParseUint(path, 10, 16)
		if err != nil {
			return none, refuse("the database after the host must be a number")
		}
		if a.kind == redisCluster && db != 0 {
			return none, refuse("a cluster has database 0 only")
		}
		a.db = int(db)
	}

	values, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
	if err != nil {
		return none, refuse("what follows the ? is no NAME=VALUE")
	}
	for name, v := range values {
		switch {
		case len(v) > 1:
			return none, refuse("%q is given twice", name)
		case name == "catalog":
			a.catalog = v[0]
		case name == "master" && a.kind == redisSentinel:
			a.master = v[0]
		default:
			return none, refuse("unknown parameter %q", name)
		}
	}
	if !catalog.ValidCatalogName(a.catalog) {
		return none, refuse("a catalog name has up to 32 lower-case letters, digits and hyphens, not %q", a.catalog)
	}
	if a.kind == redisSentinel && !masterName.MatchString(a.master) {
		return none, refuse("?master= must name the master as the Sentinels know it")
	}
	return a, nil
}

// String returns the URL without user and password.
func (a redisAddress) String() string {
	var b strings.Builder
	b.WriteString("redis")
	if a.tls {
		b.WriteByte('s')
	}
	fmt.Fprintf(&b, "%s://%s", a.kind, strings.Join(a.hosts, ","))
	if a.kind != redisCluster {
		fmt.Fprintf(&b, "/%d", a.db)
	}
	b.WriteByte('?')
	if a.kind == redisSentinel {
		fmt.Fprintf(&b, "master=%s&", a.master)
	}
	b.WriteString("catalog=" + a.catalog)
	return b.String()
}

var (
	masterName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	hostName   = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]{0,252}[A-Za-z0-9_.])?$`)
)

// hostPort returns HOST:PORT with the default port where s has none.
func hostPort(s, port string) (string, bool) {
	host := s
	switch bracketed := strings.HasPrefix(s, "["); {
	case bracketed && strings.HasSuffix(s, "]"):
		host = s[1 : len(s)-1]
	case bracketed || strings.Count(s, ":") == 1:
		var err error
		if host, port, err = net.SplitHostPort(s); err != nil {
			return "", false
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", false
	}
	if addr, err := netip.ParseAddr(host); (err != nil || addr.Zone() != "") && !hostName.MatchString(host) {
		return "", false
	}
	return net.JoinHostPort(host, port), true
}

// cutAt splits s before the first of chars.
func cutAt(s, chars string) (before, from string) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}
