package opendata_test

import (
	"testing"

	"github.com/valyala/fasthttp"

	"luoshu/catalog"
)

// The benchmarks call the handler as the server does, without the network; the
// constant answer of bare fasthttp beside them is the floor.

func benchmark(b *testing.B, handler fasthttp.RequestHandler, path string, status int, header ...string) {
	b.Helper()
	var ctx fasthttp.RequestCtx
	b.ReportAllocs()
	for b.Loop() {
		// As the server does between the requests of a connection.
		ctx.Request.Reset()
		ctx.Response.Reset()
		ctx.Request.SetRequestURI(path)
		ctx.Request.Header.SetHost("luoshu.example")
		for i := 0; i < len(header); i += 2 {
			ctx.Request.Header.Set(header[i], header[i+1])
		}
		handler(&ctx)
		if ctx.Response.StatusCode() != status {
			b.Fatalf("status %d, want %d", ctx.Response.StatusCode(), status)
		}
	}
	b.ReportMetric(float64(len(ctx.Response.Body())), "body-bytes")
}

func BenchmarkAnswer(b *testing.B) {
	s := newShelf()
	s.publish(b, release(b, 1, "", edit{achievements: 10_000}))
	app := serve(b, s)
	handler := app.Handler()
	record := "/api/v1/achievements/" + string(named(catalog.Achievements, "77"))
	list := "/api/v1/achievements"
	recordTag := get(b, app, record).header.Get("ETag")
	listTag := get(b, app, list).header.Get("ETag")
	var first list20
	get(b, app, list).decode(b, &first)
	constant := []byte(get(b, app, record).body)

	b.Run("constant-fasthttp", func(b *testing.B) {
		benchmark(b, func(ctx *fasthttp.RequestCtx) {
			ctx.SetContentType("application/json")
			ctx.SetBody(constant)
		}, record, 200)
	})
	b.Run("record", func(b *testing.B) { benchmark(b, handler, record, 200) })
	b.Run("record-304", func(b *testing.B) { benchmark(b, handler, record, 304, "If-None-Match", recordTag) })
	b.Run("page-20", func(b *testing.B) { benchmark(b, handler, list, 200) })
	b.Run("page-20-cursor", func(b *testing.B) { benchmark(b, handler, first.Links.Next, 200) })
	b.Run("page-100", func(b *testing.B) { benchmark(b, handler, list+"?limit=100", 200) })
	b.Run("page-20-304", func(b *testing.B) { benchmark(b, handler, list, 304, "If-None-Match", listTag) })
	b.Run("datasets", func(b *testing.B) { benchmark(b, handler, "/api/v1/datasets", 200) })
	b.Run("unknown-record", func(b *testing.B) {
		benchmark(b, handler, "/api/v1/experts/"+string(named(catalog.Experts, "nobody")), 404)
	})
}

type list20 struct {
	Links struct{ Next string }
}
