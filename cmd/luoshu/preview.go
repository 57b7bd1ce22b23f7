package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"luoshu/cache"
	"luoshu/catalog"
)

const (
	previewAddr = "127.0.0.1:8080"
	// previewPublisher owns the records of a preview of which nobody said whose they
	// are.
	previewPublisher = "preview"
)

// loopback reports whether addr is of this machine alone.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// loadPreview reads the files as check does, tells the outcome, and puts what they
// make of the current release into memory. Nothing of it reaches a disk.
func (s *serveFlags) loadPreview(ctx context.Context, env environment, c *common, log *slog.Logger) (*cache.Near, error) {
	store := cache.NewMemory("preview")
	base, err := s.copyCurrent(ctx, c.dataDir, store, log)
	if err != nil {
		return nil, err
	}
	if base != nil && base.Manifest.Sample {
		store, base = cache.NewMemory("preview"), nil
	}
	p := &s.reading
	if base == nil && p.publisher == "" {
		p.publisher = previewPublisher
	}
	opt, err := p.options(s.preview, true)
	if err != nil {
		return nil, err
	}
	files, closeFiles, err := openFiles(s.preview)
	if err != nil {
		return nil, err
	}
	defer closeFiles()
	lang := env.language(c.lang)
	draft := catalog.NewDraft(base, time.Now())
	show := progress{w: env.stderr, bars: env.terminal(env.stderr), quiet: !env.terminal(env.stderr)}
	out, failed := p.read(ctx, c, draft, files, &opt, show, lang)
	if out.Report == nil {
		return nil, failed
	}
	if failed != nil {
		out.Stopped = catalog.Text{ZH: catalog.ErrorText(failed, "zh"), EN: catalog.ErrorText(failed, "en")}
	}
	if c.json {
		err = printJSON(env.stdout, out)
	} else {
		printReport(env.stdout, lang, out, true)
	}
	if err := errors.Join(failed, err); err != nil {
		return nil, err
	}
	publication, err := draft.Build(ctx, catalog.BuildOptions{})
	if err != nil {
		return nil, err
	}
	if err := cache.Publish(ctx, store, publication, nil, nil); err != nil {
		return nil, err
	}
	near := cache.NewNear(cache.Options{Source: store, Poll: -1, Logger: log})
	return near, near.Start(ctx)
}

// copyCurrent brings the release that serve would show into store, and returns it;
// nil when there is none.
func (s *serveFlags) copyCurrent(ctx context.Context, dataDir string, store *cache.Memory, log *slog.Logger) (*catalog.Release, error) {
	local, err := cache.OpenDirectory(releasesDir(dataDir))
	if err != nil {
		return nil, err
	}
	sources, closeSources, err := s.open(ctx, local, log)
	if err != nil || len(sources) == 0 {
		return nil, err
	}
	defer closeSources()
	source, err := believed(sources[0], s.trusted, dataDir)
	if err != nil {
		return nil, err
	}
	switch _, err := cache.Copy(ctx, source, store, 1, nil); {
	case errors.Is(err, catalog.ErrNoRelease):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return currentRelease(ctx, store)
}

// unpublished keeps what is not published on this machine: pages of other sites may
// not read it, nor may a name that somebody points at this machine; browsers do not
// keep it and nobody indexes it.
func unpublished() fiber.Handler {
	return func(c *fiber.Ctx) error {
		if !loopback(string(c.Context().Host())) {
			return c.Status(fiber.StatusMisdirectedRequest).SendString("a preview answers to localhost alone\n")
		}
		if err := c.Next(); err != nil {
			if err = c.App().ErrorHandler(c, err); err != nil {
				_ = c.SendStatus(fiber.StatusInternalServerError)
			}
		}
		hd := &c.Context().Response.Header
		hd.Del(fiber.HeaderAccessControlAllowOrigin)
		hd.Set("Cross-Origin-Resource-Policy", "same-origin")
		hd.Set(fiber.HeaderCacheControl, "no-store")
		hd.Set("X-Robots-Tag", "noindex")
		return nil
	}
}
