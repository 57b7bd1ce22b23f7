package opendata_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"luoshu/catalog"
)

func TestZZNet(t *testing.T) {
	if os.Getenv("ZZ") == "" {
		t.Skip()
	}
	s := newShelf()
	s.publish(t, release(t, 1, "", edit{achievements: 10_000}))
	app := serve(t, s)
	h := app.Handler()
	record := "/api/v1/achievements/" + string(named(catalog.Achievements, "77"))
	a := get(t, app, record)
	body := []byte(a.body)
	tag := a.header.Get("Etag")
	run := func(name string, handler fasthttp.RequestHandler, path string, hdr ...string) float64 {
		ln, _ := net.Listen("tcp", "127.0.0.1:0")
		srv := &fasthttp.Server{Handler: handler, NoDefaultServerHeader: true}
		go srv.Serve(ln)
		var before, after syscall.Rusage
		args := append([]string{"-t1", "-c16", "-d2s"}, hdr...)
		syscall.Getrusage(syscall.RUSAGE_SELF, &before)
		out, _ := exec.Command("wrk", append(args, "http://"+ln.Addr().String()+path)...).CombinedOutput()
		syscall.Getrusage(syscall.RUSAGE_SELF, &after)
		ln.Close()
		var n float64
		for _, l := range strings.Split(string(out), "\n") {
			if strings.Contains(l, "requests in") {
				fmt.Sscanf(strings.TrimSpace(l), "%f", &n)
			}
		}
		cpu := func(r syscall.Rusage) time.Duration {
			return time.Duration(r.Utime.Nano() + r.Stime.Nano())
		}
		per := float64(cpu(after)-cpu(before)) / n
		fmt.Printf("%-12s %8.0f req  %6.0f ns/req\n", name, n, per)
		return per
	}
	for range 5 {
		c := run("constant", func(ctx *fasthttp.RequestCtx) {
			ctx.SetContentType("application/json")
			ctx.SetBody(body)
		}, record)
		r := run("record", h, record)
		n := run("304", h, record, "-H", "If-None-Match: "+tag)
		fmt.Printf("ratio record %.2f 304 %.2f\n", r/c, n/c)
	}
}
