package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/valyala/fasthttp"

	"luoshu/cache"
	"luoshu/kiosk"
	"luoshu/opendata"
	"luoshu/static"
)

// The limits of a connection. A request carries no body and a short address; a
// client that trickles is let go. Every connection has a buffer of headerBytes, so all
// of them together have 32 MB; the longest sensible search, 200 Han characters and the
// values of a few filters, takes a third of one.
const (
	readTimeout    = 5 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 30 * time.Second
	headerBytes    = 8 << 10
	bodyBytes      = 64 << 10
	maxConnections = 4096
)

type serverOptions struct {
	address  addresses
	terminal string
	panel    string
	preview  bool
	exporter *opendata.Exporter
	limiter  *opendata.Limiter
	// telemetry counts what is answered; nil without an admin listener.
	telemetry *telemetry
	// dispatcher hears the terminals that follow this node; nil for one that has none.
	dispatcher *dispatcher
	counts     *cache.Counts
	log        *slog.Logger
	accessLog  bool
}

// newApp assembles the surfaces over near.
func newApp(near *cache.Near, opt serverOptions) (*fiber.App, error) {
	if opt.counts == nil {
		opt.counts = cache.NewCounts(nil, opt.log)
	}
	pages, err := kiosk.New(kiosk.Config{
		Reader: near, BaseURL: opt.address.base, Terminal: opt.terminal, Panel: opt.panel, Offline: offline(near), Counter: opt.counts, Network: opt.limiter.Network, Preview: opt.preview, Logger: opt.log,
	})
	if err != nil {
		return nil, err
	}
	api, err := opendata.New(opendata.Config{
		Reader: near, Archive: near, BaseURL: opt.address.links(), Preview: opt.preview, Exporter: opt.exporter, Limiter: opt.limiter, Logger: opt.log,
	})
	if err != nil {
		return nil, err
	}
	app := fiber.New(fiber.Config{
		// Strings from a request must outlive it: without this they alias a buffer
		// that the next request overwrites.
		Immutable:     true,
		CaseSensitive: true, StrictRouting: true,
		Network:     fiber.NetworkTCP,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ReadBufferSize: headerBytes, BodyLimit: bodyBytes, Concurrency: maxConnections,
		DisableStartupMessage: true,
		// Forwarded headers are believed from nobody.
		EnableTrustedProxyCheck: true,
		ErrorHandler: func(c *fiber.Ctx, err error) error {
			if strings.HasPrefix(c.Path(), "/api/") || c.Path() == "/api" {
				return api.Problem(c, err)
			}
			return pages.Fail(c, err)
		},
	})
	app.Server().CloseOnShutdown = true
	app.Server().NoDefaultServerHeader = true
	app.Server().ErrorHandler = refuse(app, api)
	app.Server().HeaderReceived = received
	// Who asks before sending a body is told not to (417).
	app.Server().ContinueHandler = func(*fasthttp.RequestHeader) bool { return false }

	app.Use(front(near))
	if opt.telemetry != nil {
		app.Use(opt.telemetry.count)
	}
	if opt.preview {
		app.Use(unpublished())
	}
	if opt.accessLog {
		app.Use(accessLog(opt.log))
	}
	app.Use(recover.New(recover.Config{EnableStackTrace: true, StackTraceHandler: func(c *fiber.Ctx, cause any) {
		opt.log.Error("panic", slog.String("request_id", c.GetRespHeader(fiber.HeaderXRequestID)), slog.Any("cause", cause))
	}}))
	if opt.dispatcher != nil {
		app.Use(cache.PointerPath, opt.dispatcher.heard)
	}
	health(app, near, opt.counts)
	static.Routes(app)
	api.Routes(app)
	pages.Routes(app)
	return app, nil
}

// offline returns how to find out whether the source that near follows does not answer.
func offline(near *cache.Near) func() bool {
	return func() bool {
		s := near.Status()
		return !s.LastPoll.IsZero() && !s.Reachable
	}
}

// front is what every request passes first. It numbers the requests of a run: what a
// client sends under that name is not believed, it would stand in the log. It counts
// those under way, so that no release is taken from under one; answers are copied
// before a handler returns. And it closes connections that must have no second answer.
func front(near *cache.Near) fiber.Handler {
	var run [6]byte
	_, _ = rand.Read(run[:]) // never fails
	prefix := hex.EncodeToString(run[:]) + "-"
	name := []byte("X-Request-Id") // in canonical form
	var n atomic.Uint64
	return func(c *fiber.Ctx) error {
		r := near.Reading()
		defer r.Done()
		ctx := c.Context()
		var buf [40]byte
		ctx.Response.Header.SetCanonical(name, strconv.AppendUint(append(buf[:0], prefix...), n.Add(1), 10))
		if odd(ctx) {
			ctx.SetConnectionClose()
		}
		return c.Next()
	}
}

// accessLog tells of every request what an operator needs, and nothing of the
// person behind it: neither address nor query.
func accessLog(log *slog.Logger) fiber.Handler {
	return func(c *fiber.Ctx) error {
		start := time.Now()
		err := c.Next()
		if err != nil {
			// The error becomes an answer here, so that the log has its status.
			if err = c.App().ErrorHandler(c, err); err != nil {
				_ = c.SendStatus(fiber.StatusInternalServerError)
			}
		}
		log.Info("request",
			slog.String("request_id", c.GetRespHeader(fiber.HeaderXRequestID)),
			slog.String("method", c.Method()), slog.String("path", clip(c.Path())),
			slog.Int("status", c.Response().StatusCode()), slog.Int("bytes", bytesOf(c.Response())),
			slog.Duration("took", time.Since(start)))
		return nil
	}
}

// bytesOf returns the size of an answer. Asking for the body of a file would read it
// into memory.
func bytesOf(r *fasthttp.Response) int {
	if r.IsBodyStream() {
		return max(0, r.Header.ContentLength())
	}
	return len(r.Body())
}

func clip(s string) string { return s[:min(len(s), 256)] }

// health adds what a supervisor asks. None of it waits for the source.
func health(app *fiber.App, near *cache.Near, counts *cache.Counts) {
	plain := func(c *fiber.Ctx, status int, text string) error {
		c.Set(fiber.HeaderCacheControl, "no-store")
		return c.Status(status).SendString(text + "\n")
	}
	app.Get("/livez", func(c *fiber.Ctx) error { return plain(c, fiber.StatusOK, "alive") })
	app.Get("/readyz", func(c *fiber.Ctx) error {
		if near.Current() == nil {
			return plain(c, fiber.StatusServiceUnavailable, "no release")
		}
		return plain(c, fiber.StatusOK, "ready")
	})
	started := time.Now()
	app.Get("/statusz", func(c *fiber.Ctx) error {
		b, err := json.Marshal(struct {
			Version versionInfo       `json:"version"`
			Started time.Time         `json:"started"`
			Status  cache.Status      `json:"status"`
			Counts  cache.CountStatus `json:"counts"`
		}{readVersion(), started.UTC().Truncate(time.Second), near.Status(), counts.Status()})
		if err != nil {
			return fmt.Errorf("statusz: %w", err)
		}
		c.Set(fiber.HeaderCacheControl, "no-store")
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSONCharsetUTF8)
		return c.Send(b)
	})
}
