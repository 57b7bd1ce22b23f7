package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"luoshu/opendata"
)

const (
	// A refused client may still be sending. What is left of it, up to lingerBytes and
	// lingerTime, is read before the connection is closed: otherwise the kernel resets it
	// and the client never reads why.
	lingerBytes = 256 << 10
	lingerTime  = time.Second
)

// doors is a listener that hands out connections of type *conn.
type doors struct{ *net.TCPListener }

// Accept implements net.Listener.
func (d doors) Accept() (net.Conn, error) {
	c, err := d.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return &conn{TCPConn: c}, nil
}

// conn watches what a client sends for what only mistakes and request smuggling have:
// a line that ends in LF alone, and one that goes on on the next (obs-fold). The parser
// takes both, another one on the way may not, so such a connection gets one answer
// (RFC 9112, 2.2 and 5.2). It is used by one goroutine.
type conn struct {
	*net.TCPConn

	last   byte // that came before
	line   int  // bytes since the last LF
	odd    bool
	linger bool
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.watch(p[:n])
	return n, err
}

func (c *conn) watch(b []byte) {
	for len(b) > 0 {
		if c.last == '\n' && folds(b[0]) {
			c.odd = true
		}
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			c.line += len(b)
			c.last = b[len(b)-1]
			return
		}
		if i > 0 {
			c.last = b[i-1]
		}
		if c.last != '\r' {
			c.odd = true
		}
		c.line, c.last, b = 0, '\n', b[i+1:]
	}
}

func folds(c byte) bool { return c == ' ' || c == '\t' }

// Close implements net.Conn.
func (c *conn) Close() error {
	if c.linger && c.CloseWrite() == nil && c.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, onlyReader{c.TCPConn}, lingerBytes)
	}
	return c.TCPConn.Close()
}

// onlyReader hides that a connection can do more: io.Copy would take the memory for it.
type onlyReader struct{ io.Reader }

// received looks at a request before its body is read, of which nothing can be seen later:
// one with a body, which none here has, or addressed to a proxy is the last of its
// connection.
func received(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if n := h.ContentLength(); n > 0 || n == chunked || h.RequestURI()[0] != '/' {
		h.SetConnectionClose()
	}
	return fasthttp.RequestConfig{}
}

// chunked is the length of what comes in chunks, as fasthttp has it.
const chunked = -1

// odd reports whether something odd came on the connection of a request.
func odd(ctx *fasthttp.RequestCtx) bool {
	c, ok := ctx.Conn().(*conn)
	return ok && c.odd
}

// refuse answers what the server could not read as a request. There is no route then, and
// mostly no address.
func refuse(app *fiber.App, api *opendata.Handler) func(*fasthttp.RequestCtx, error) {
	return func(ctx *fasthttp.RequestCtx, err error) {
		inHeaders := true
		if c, ok := ctx.Conn().(*conn); ok {
			c.linger = true
			// One line fills the buffer, so it is the first.
			inHeaders = c.line < headerBytes
		}
		c := app.AcquireCtx(ctx)
		defer app.ReleaseCtx(c)
		_ = api.Problem(c, refusal(err, inHeaders)) // it only fails to encode what it made
	}
}

func refusal(err error, inHeaders bool) error {
	var slow net.Error
	switch {
	case errors.As(err, new(*fasthttp.ErrSmallBuffer)):
		return opendata.TooLong(headerBytes, inHeaders)
	case errors.As(err, &slow) && slow.Timeout():
		return fiber.ErrRequestTimeout
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return fiber.ErrRequestEntityTooLarge
	}
	return fiber.ErrBadRequest
}
