package opendata_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"luoshu/catalog"
	"luoshu/opendata"
)

// plenty are limits that no benchmark reaches.
var plenty = opendata.Limits{{Rate: 1e6, Burst: 1e6}, {Rate: 1e6, Burst: 1e6}, {Rate: 1e6, Burst: 1e6}}

// BenchmarkLimits answers a record without limits and with them, to clients of every
// kind. The difference is what limits cost.
func BenchmarkLimits(b *testing.B) {
	s := newShelf()
	s.publish(b, release(b, 1, "", edit{achievements: 100}))
	record := "/api/v1/achievements/" + string(named(catalog.Achievements, "77"))
	limiter, err := opendata.NewLimiter(opendata.LimiterConfig{
		Limits: plenty, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Key: func([32]byte) bool { return true },
	})
	if err != nil {
		b.Fatal(err)
	}
	free := serve(b, s).Handler()
	limited := serve(b, s, func(c *opendata.Config) { c.Limiter = limiter }).Handler()
	for _, tt := range []struct {
		name    string
		handler fasthttp.RequestHandler
		from    string
		header  []string
	}{
		{"none", free, "192.0.2.1", nil},
		{"ipv4", limited, "192.0.2.1", nil},
		{"ipv6", limited, "2001:db8::1", nil},
		{"loopback", limited, "127.0.0.1", nil},
		{"proxy", limited, "10.0.0.1", []string{"X-Forwarded-For", "192.0.2.1, 10.0.0.2"}},
		{"key", limited, "192.0.2.1", []string{"Authorization", "Bearer luoshu_ABCDEFGHIJKLMNOPQRSTUVWXYZ"}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			var ctx fasthttp.RequestCtx
			ctx.Init2(peer{from: &net.TCPAddr{IP: net.ParseIP(tt.from), Port: 1}}, nil, false)
			b.ReportAllocs()
			for b.Loop() {
				ctx.Request.Reset()
				ctx.Response.Reset()
				ctx.Request.SetRequestURI(record)
				ctx.Request.Header.SetHost("luoshu.example")
				for i := 0; i < len(tt.header); i += 2 {
					ctx.Request.Header.Set(tt.header[i], tt.header[i+1])
				}
				tt.handler(&ctx)
				if ctx.Response.StatusCode() != 200 {
					b.Fatalf("status %d", ctx.Response.StatusCode())
				}
			}
		})
	}
}

// peer is a connection of which only the other end is known.
type peer struct {
	net.Conn
	from net.Addr
}

func (p peer) RemoteAddr() net.Addr             { return p.from }
func (p peer) SetWriteDeadline(time.Time) error { return nil }
