package opendata

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/valyala/fasthttp"
)

// client returns where a request comes from: its peer or, as far as proxies of ours
// vouch for it, whom they name. own tells this machine's own screen, which no proxy
// stands before. The address is used to count and written down nowhere.
func (l *Limiter) client(ctx *fasthttp.RequestCtx) (from netip.Addr, own bool) {
	peer, ok := ctx.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.IPv4Unspecified(), false
	}
	from = peer.AddrPort().Addr().Unmap()
	trusted := l.trusts(from)
	if !trusted && !from.IsLoopback() {
		return from, false
	}
	fields := ctx.Request.Header.PeekAll(fasthttp.HeaderXForwardedFor)
	if len(fields) == 0 {
		return from, from.IsLoopback() && len(ctx.Request.Header.Peek(fasthttp.HeaderForwarded)) == 0
	}
	if !trusted {
		if !l.unnamed.Swap(true) {
			l.log.Warn("requests come through a proxy on this machine that is not trusted, and all count as one client; name it with --trusted-proxy")
		}
		return from, false
	}
	return l.walk(from, fields), false
}

// Network names the network that a request comes from, an IPv4 /24 or an IPv6 /48. A nil
// Limiter believes no proxy.
func (l *Limiter) Network(ctx *fasthttp.RequestCtx) string {
	if l == nil {
		l = new(Limiter)
		l.unnamed.Store(true) // no log
	}
	from, _ := l.client(ctx)
	bits := 48
	if from.Is4() {
		bits = 24
	}
	network, err := from.Prefix(bits)
	if err != nil {
		return ""
	}
	return network.String()
}

// walk follows X-Forwarded-For from the right, where the nearest proxy wrote, for as long
// as each address is that of a proxy of ours. What stands further left anybody may have
// written.
func (l *Limiter) walk(from netip.Addr, fields [][]byte) netip.Addr {
	for n := len(fields) - 1; n >= 0; n-- {
		for list := fields[n]; list != nil; {
			if !l.trusts(from) {
				return from
			}
			item := list
			if i := bytes.LastIndexByte(list, ','); i >= 0 {
				list, item = list[:i], list[i+1:]
			} else {
				list = nil
			}
			addr, ok := forwarded(string(bytes.Trim(item, " \t")))
			if !ok {
				return from
			}
			from = addr
		}
	}
	return from
}

// forwarded reads an address of X-Forwarded-For, with or without a port.
func forwarded(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		both, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = both.Addr()
	}
	return addr.Unmap().WithZone(""), true
}

func (l *Limiter) trusts(a netip.Addr) bool {
	for _, p := range l.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// visitorOf returns the identity of an address: of IPv6 the first half, since whoever has
// one address of a network has all of them.
func visitorOf(a netip.Addr) identity {
	b := a.As16()
	id := identity{high: binary.BigEndian.Uint64(b[:])}
	if a.Is4() {
		id.low = binary.BigEndian.Uint64(b[8:])
	}
	return id
}

// siteOf returns the identity of the /48 that an IPv6 address is in.
func siteOf(id identity) identity { return identity{id.high &^ 0xffff, siteMark} }

// keyholderOf returns the identity of a key.
func keyholderOf(digest [32]byte) identity {
	return identity{binary.BigEndian.Uint64(digest[:]), binary.BigEndian.Uint64(digest[8:]) | 1<<63}
}

var bearer = []byte("Bearer ")

// keyOf returns the SHA-256 of the key that a request brings. Other schemes than Bearer
// are not for us: a site may have its own door in front.
func keyOf(ctx *fasthttp.RequestCtx) (digest [32]byte, ok bool) {
	v := ctx.Request.Header.Peek(fasthttp.HeaderAuthorization)
	if len(v) < len(bearer) || !bytes.EqualFold(v[:len(bearer)], bearer) {
		return digest, false
	}
	return sha256.Sum256(bytes.Trim(v[len(bearer):], " ")), true
}
