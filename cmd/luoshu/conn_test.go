package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// say sends a request as it is and returns all that comes back, and whether the server
// closed the connection rather than wait for more.
func (s *server) say(t *testing.T, request string) (answer string, closed bool) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	// Shorter than the server's patience with an idle connection (idleTimeout).
	if err := c.SetReadDeadline(time.Now().Add(idleTimeout / 2)); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		return string(b), false
	}
	return string(b), true
}

// TestSmuggling: what a proxy before this server could read otherwise than it does gets
// one answer at most and a closed connection, so that nothing in it is taken for a second
// request. Every one of these has such a second request at its end.
func TestSmuggling(t *testing.T) {
	s := serve(t, t.TempDir())
	const second = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
	get := func(lines ...string) string {
		return "GET /livez HTTP/1.1\r\nHost: a\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	tests := []struct{ name, request string }{
		{"chunked and a length", get("Transfer-Encoding: chunked", "Content-Length: 4") + "0\r\n\r\n"},
		{"a length and chunked", get("Content-Length: 4", "Transfer-Encoding: chunked") + "0\r\n\r\n"},
		{"chunked and a length, POST", "POST" + get("Transfer-Encoding: chunked", "Content-Length: 4")[3:] + "0\r\n\r\n"},
		{"two codings of transfer", get("Transfer-Encoding: chunked", "Transfer-Encoding: identity") + "0\r\n\r\n"},
		{"an unknown coding of transfer", get("Transfer-Encoding: xchunked") + "0\r\n\r\n"},
		{"chunked in HTTP/1.0", "GET /livez HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"chunked body of nothing", get("Transfer-Encoding: chunked") + "0\r\n\r\n"},
		{"chunked body", get("Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(second), second)},
		{"LF in an extension of a chunk", get("Transfer-Encoding: chunked") + "0;\n\r\n\r\n"},
		{"two lengths", get("Content-Length: 0", "Content-Length: 33")},
		{"the same length twice", get("Content-Length: 33", "Content-Length: 33")},
		{"a list of lengths", get("Content-Length: 33, 33")},
		{"a body", get(fmt.Sprintf("Content-Length: %d", len(second)))},
		{"a body that waits for 100", get("Expect: 100-continue", "Content-Length: 5")},
		{"a negative length", get("Content-Length: -1")},
		{"a signed length", get("Content-Length: +33")},
		{"a length beyond any number", get("Content-Length: 99999999999999999999999")},
		{"the greatest length", get("Content-Length: 9223372036854775807")},
		{"no host", "GET /livez HTTP/1.1\r\n\r\n"},
		{"two hosts", get("Host: b")},
		{"the same host twice", get("hOST: a")},
		{"blank in the host", "GET /livez HTTP/1.1\r\nHost: a b\r\n\r\n"},
		{"NUL in a value", get("X: a\x00b")},
		{"NUL in a name", get("X\x00: b")},
		{"NUL in the address", "GET /li\x00vez HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"absolute form", "GET http://evil.example/livez HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"absolute form without a host", "GET http:///livez HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"authority form", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"authority form of GET", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"asterisk form of GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"LF alone everywhere", "GET /livez HTTP/1.1\nHost: a\n\n"},
		{"LF alone after the first line", "GET /livez HTTP/1.1\nHost: a\r\n\r\n"},
		{"LF alone after a field", "GET /livez HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"},
		{"LF alone at the end", "GET /livez HTTP/1.1\r\nHost: a\r\n\n"},
		{"CR alone", get("X: a\rY: b")},
		{"folded field", get("X: a", " b")},
		{"folded by a tab", get("X: a", "\tContent-Length: 33")},
		{"blank before the first field", "GET /livez HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n"},
		{"blank before the colon", get("Content-Length : 33")},
		{"no colon", get("X")},
		{"no name", get(": x")},
		{"two blanks in the first line", "GET  /livez HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a blank in the address", "GET /li vez HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"HTTP/0.9", "GET /livez\r\n\r\n"},
		{"HTTP/2 in the clear", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answer, closed := s.say(t, tt.request+second)
			if n := strings.Count(answer, "HTTP/1.1 "); n > 1 || !closed {
				t.Errorf("%d answers, closed: %v\n%s", n, closed, answer)
			}
		})
	}
	t.Run("sound requests", func(t *testing.T) {
		t.Parallel()
		last := strings.Replace(second, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
		if answer, closed := s.say(t, second+second+last); strings.Count(answer, "HTTP/1.1 200 ") != 3 || !closed {
			t.Errorf("closed: %v\n%s", closed, answer)
		}
	})
}

// TestTooLong: what does not fit the buffer of a connection is told the limit, also to
// a client that sends all of it before it reads.
func TestTooLong(t *testing.T) {
	s := serve(t, t.TempDir())
	long := url.QueryEscape(strings.Repeat("轴承", 5000))
	tests := []struct {
		name, request string
		want          int
	}{
		{"a search of 10,000 characters", "GET /api/v1/search?q=" + long + " HTTP/1.1\r\nHost: a\r\n\r\n", http.StatusRequestURITooLong},
		{"a page", "GET /" + long + " HTTP/1.1\r\nHost: a\r\n\r\n", http.StatusRequestURITooLong},
		{"a header", "GET / HTTP/1.1\r\nHost: a\r\nX: " + long + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		{"many headers", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: 1\r\n", 5000) + "\r\n", http.StatusRequestHeaderFieldsTooLarge},
		{"after another request", "GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /" + long + " HTTP/1.1\r\n\r\n", http.StatusRequestURITooLong},
		{"a body", "POST /api/v1 HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + long, http.StatusRequestEntityTooLarge},
		{"a search of 201 characters", "GET /api/v1/search?q=" + url.QueryEscape(strings.Repeat("轴", 201)) + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", http.StatusBadRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer, closed := s.say(t, tt.request)
			if !closed {
				t.Error("the connection stays open")
			}
			answer = answer[strings.LastIndex(answer, "HTTP/1.1 "):]
			res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			var p struct {
				Status           int
				Detail, DetailZH string
			}
			if err := json.UnmarshalRead(res.Body, &p, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(false)); err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tt.want || p.Status != tt.want || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("want %d: %s", tt.want, answer)
			}
			limit := strconv.Itoa(headerBytes)
			if tt.want != http.StatusRequestEntityTooLarge && !strings.Contains(p.Detail, limit) && !strings.Contains(p.Detail, "200") {
				t.Errorf("no limit in %q", p.Detail)
			}
		})
	}
}

// FuzzWatch: however a request comes in pieces, the same is found in it.
func FuzzWatch(f *testing.F) {
	for _, s := range []string{"", "\n", "a\r\nb\r\n\r\n", "a\nb", "a\r\n b", "a\r\n\t", "\r\n\r\n"} {
		f.Add([]byte(s), uint8(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		var c conn
		for rest := b; len(rest) > 0; {
			n := min(len(rest), int(size)%7+1)
			c.watch(rest[:n])
			rest = rest[n:]
		}
		sound := bytes.ReplaceAll(b, []byte("\r\n"), []byte("\r"))
		odd := bytes.Contains(sound, []byte("\n")) || bytes.Contains(b, []byte("\n ")) || bytes.Contains(b, []byte("\n\t"))
		if line := len(b) - bytes.LastIndexByte(b, '\n') - 1; c.odd != odd || c.line != line {
			t.Errorf("%q: odd %v, line %d; want %v, %d", b, c.odd, c.line, odd, line)
		}
	})
}
