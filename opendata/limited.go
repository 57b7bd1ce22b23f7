package opendata

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

var (
	headerRateLimit       = []byte("RateLimit")
	headerRateLimitPolicy = []byte("RateLimit-Policy")
)

// within answers r if its client may ask and the class of its operation has room.
func (h *Handler) within(r *request) error {
	class := r.op.Class
	if class == Export && r.ctx.IsHead() {
		class = Record // no file is sent
	}
	if h.limiter == nil {
		return h.admitted(r, class, identity{}, true)
	}
	from, own := h.limiter.client(r.ctx)
	if own {
		return h.admitted(r, class, identity{}, true)
	}
	now := r.ctx.Time()
	if h.limiter.now != nil {
		now = h.limiter.now()
	} else if now.IsZero() {
		now = time.Now() // nobody is connected
	}
	m := h.limiter.moment(now)
	id, v, err := h.limiter.admit(r.ctx, visitorOf(from), class, m)
	if err == nil && !v.ok {
		err = v.problem(r)
	}
	if err == nil {
		err = h.admitted(r, class, id, false)
		// What the client had already was not computed and not sent.
		if class != Record && err == nil && r.ctx.Response.StatusCode() == fasthttp.StatusNotModified {
			if traded := h.limiter.trade(id, class, m); traded.ok {
				v = traded
			}
		}
	}
	var buf [96]byte
	hd := &r.ctx.Response.Header
	hd.SetCanonical(headerRateLimitPolicy, v.policy.told)
	hd.SetCanonical(headerRateLimit, v.appendTold(buf[:0]))
	return err
}

// admit counts a request and returns on whose account. A key only adds: what it is out
// of its holder may still ask for as anybody may.
func (l *Limiter) admit(ctx *fasthttp.RequestCtx, id identity, c Class, m moment) (identity, verdict, error) {
	digest, given := keyOf(ctx)
	if given {
		if l.key == nil || !l.key(digest) {
			v := l.take(id, Record, m)
			if v.ok {
				return id, v, &problemError{kind: unknownKey}
			}
			return id, v, nil
		}
		holder := keyholderOf(digest)
		if v := l.take(holder, c, m); v.ok {
			return holder, v, nil
		}
	}
	v := l.take(id, c, m)
	if v.ok && id.low == 0 { // IPv6
		if all := l.take(siteOf(id), c, m); !all.ok {
			v = all
		}
	}
	return id, v, nil
}

// problem says why a request was refused, and when to come back.
func (v *verdict) problem(r *request) error {
	r.ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.FormatInt(max(1, seconds(v.wait)), 10))
	if v.quota {
		return &problemError{kind: quotaExhausted}
	}
	return &problemError{kind: tooManyRequests}
}

// admitted answers r once its class has room. own requests share the room, but hold as
// much of it as they like.
func (h *Handler) admitted(r *request, class Class, id identity, own bool) error {
	g := h.gates[class]
	if g == nil {
		return h.answer(r)
	}
	if !own && !g.hold(id) {
		r.ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, "5")
		return &problemError{kind: tooManyRequests}
	}
	leave := func() {
		g.leave()
		if !own {
			g.release(id)
		}
	}
	if !g.enter() {
		if !own {
			g.release(id)
		}
		// Not all of those who are sent away shall come back in the same second.
		r.ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(1+rand.IntN(3))) //nolint:gosec // spreading load needs no secret
		return &problemError{kind: overloaded}
	}
	sent := false
	defer func() {
		if !sent {
			leave()
		}
	}()
	err := h.answer(r)
	// A file takes its place until the last byte is gone.
	if body, ok := r.ctx.Response.BodyStream().(*fileBody); ok && err == nil {
		body.closed, sent = leave, true
	}
	return err
}
