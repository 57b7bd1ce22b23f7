package cache

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"luoshu/catalog"
)

// Hub is another Luoshu node, read over its open-data API:
//
//	GET {base}/api/v1/releases/current/pointer
//	GET {base}/api/v1/manifests/{hash}
//	GET {base}/api/v1/manifests/{hash}/minisig
//	GET {base}/api/v1/objects/{hash}
//
// An object whose answer was cut off is gone on with where it stopped. A hub cannot be
// written. What a hub says is believed no further than the hashes and the signature prove it.
type Hub struct {
	base   string
	client *http.Client
	// stall is how long an answer may stand still: on a line that is dead it would do so
	// until its time is over.
	stall time.Duration
}

// PointerPath is where a node says what is current.
const PointerPath = "/api/v1/releases/current/pointer"

// A whole answer may take hubPatience: 64 MB over 5 Mbit/s.
const (
	hubDial     = 3 * time.Second
	hubHeader   = 10 * time.Second
	hubStall    = 15 * time.Second
	hubPatience = 2 * time.Minute
	// A hub that says it is asked too fast is asked again when it says, hubTries times in all.
	hubTries = 20
	hubWait  = 15 * time.Second
	// hubSpread is over how long those that were told to wait come back.
	hubSpread = time.Second
)

// OpenHub returns the store behind the node at base, such as
// https://luoshu.example. Nothing is asked yet.
func OpenHub(base string) (*Hub, error) {
	u, err := url.Parse(base)
	if err != nil {
		// The error of url.Parse quotes what it was given, a password included.
		return nil, fmt.Errorf("hub: not a URL: %w", catalog.ErrInvalid)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, fmt.Errorf("hub: want http://HOST or https://HOST: %w", catalog.ErrInvalid)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("hub: an address has no user, query or fragment: %w", catalog.ErrInvalid)
	}
	return &Hub{
		base:  strings.TrimRight(u.String(), "/"),
		stall: hubStall,
		client: &http.Client{
			Timeout: hubPatience,
			// A hub that has moved is for the operator to confirm, and a captive
			// portal is not to be followed.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				Proxy:                 http.ProxyFromEnvironment,
				DialContext:           (&net.Dialer{Timeout: hubDial}).DialContext,
				TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
				TLSHandshakeTimeout:   hubDial,
				ResponseHeaderTimeout: hubHeader,
				ForceAttemptHTTP2:     true,
				MaxIdleConnsPerHost:   workers,
				IdleConnTimeout:       time.Minute,
				// Objects are compressed already, and named by the bytes as sent.
				DisableCompression: true,
			},
		},
	}, nil
}

// String returns the address.
func (h *Hub) String() string { return h.base }

// Close ends the connections that are idle.
func (h *Hub) Close() error {
	h.client.CloseIdleConnections()
	return nil
}

// Current implements Store.
func (h *Hub) Current(ctx context.Context) (catalog.Pointer, error) {
	b, err := h.get(ctx, PointerPath, maxPointerBytes)
	if errors.Is(err, catalog.ErrNotFound) {
		return catalog.Pointer{}, fmt.Errorf("%s: %w", h, catalog.ErrNoRelease)
	}
	if err != nil {
		return catalog.Pointer{}, fmt.Errorf("%s: pointer: %w", h, err)
	}
	p, err := catalog.ParsePointer(b)
	if err != nil {
		return catalog.Pointer{}, fmt.Errorf("%s: %w", h, err)
	}
	return p, nil
}

// Manifest implements Store.
func (h *Hub) Manifest(ctx context.Context, hash catalog.Hash) ([]byte, error) {
	return h.named(ctx, "manifest", "/api/v1/manifests/%s", hash, catalog.MaxManifestBytes)
}

// Signature implements Store.
func (h *Hub) Signature(ctx context.Context, hash catalog.Hash) ([]byte, error) {
	return h.named(ctx, "signature", "/api/v1/manifests/%s/minisig", hash, catalog.MaxSignatureBytes)
}

// Object implements Store.
func (h *Hub) Object(ctx context.Context, hash catalog.Hash) ([]byte, error) {
	return h.named(ctx, "object", "/api/v1/objects/%s", hash, catalog.MaxObjectBytes)
}

func (h *Hub) named(ctx context.Context, what, path string, hash catalog.Hash, limit int64) ([]byte, error) {
	if !hash.Valid() {
		return nil, fmt.Errorf("%s: %s %q: %w", h, what, hash, catalog.ErrInvalid)
	}
	b, err := h.get(ctx, fmt.Sprintf(path, hash), limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %s %.12s: %w", h, what, hash, err)
	}
	return b, nil
}

// partial is what has arrived of an answer that was cut off, and what names the whole.
type partial struct {
	body []byte
	etag string
}

// get returns the body of an answer of at most limit bytes. Where the hub says that it
// is asked too fast, it waits; where an answer is cut off, it asks for the rest.
func (h *Hub) get(ctx context.Context, path string, limit int64) ([]byte, error) {
	var have partial
	for try := 1; ; try++ {
		before := len(have.body)
		wait, err := h.ask(ctx, path, limit, &have)
		switch {
		case err == nil:
			return have.body, nil
		case try == hubTries || ctx.Err() != nil:
			return nil, err
		case len(have.body) > before:
			continue // it was on its way
		case wait <= 0 || wait > hubWait:
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(wait + rand.N(hubSpread)): //nolint:gosec // spreading load needs no secret
		}
	}
}

// lively puts off the end of patience whenever something arrives.
type lively struct {
	io.Reader
	timer    *time.Timer
	patience time.Duration
}

func (r lively) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.timer.Reset(r.patience)
	return n, err
}

// ask asks once for what have lacks. wait is after how long the hub wants to be asked
// again, 0 when it does not say so.
func (h *Hub) ask(ctx context.Context, path string, limit int64, have *partial) (wait time.Duration, err error) {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+path, nil)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", catalog.ErrInvalid, err)
	}
	req.Header.Set("User-Agent", "luoshu")
	if len(have.body) > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", len(have.body)))
		req.Header.Set("If-Range", have.etag)
	}
	if herald := heraldOf(ctx); herald != nil && path == PointerPath {
		a, token := herald()
		req.Header.Set(AnnouncementHeader, a.String())
		if token != "" {
			req.Header.Set(TokenHeader, token)
		}
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		*have = partial{}
	case code == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", len(have.body))):
	case code == http.StatusNotFound || code == http.StatusGone:
		return 0, catalog.ErrNotFound
	case code >= 300 && code < 400:
		return 0, fmt.Errorf("the hub answers with a redirect (%d); name its final address: %w", code, catalog.ErrUnavailable)
	default:
		if code == http.StatusTooManyRequests {
			seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
			wait = time.Duration(seconds) * time.Second
		}
		return wait, fmt.Errorf("the hub answers %d: %w", code, catalog.ErrUnavailable)
	}
	body := lively{resp.Body, time.AfterFunc(h.stall, giveUp), h.stall}
	defer body.timer.Stop()
	b, err := io.ReadAll(io.LimitReader(body, limit+1-int64(len(have.body))))
	have.body = append(have.body, b...)
	if int64(len(have.body)) > limit {
		return 0, fmt.Errorf("answer of more than %d bytes: %w", limit, catalog.ErrDamaged)
	}
	if err != nil {
		// Only what a strong tag names and the hub cuts can be gone on with.
		have.etag = resp.Header.Get("ETag")
		if have.etag == "" || strings.HasPrefix(have.etag, "W/") || resp.Header.Get("Accept-Ranges") != "bytes" {
			*have = partial{}
		}
		return 0, fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
	}
	return 0, nil
}
