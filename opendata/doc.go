// Package opendata is the public API: records, releases and code lists as JSON
// under /api/v1, for anonymous readers.
//
// Its invariant: every answer comes from exactly one release, and the same URL
// in the same release has the same bytes and the same strong ETag on every node.
// No answer depends on a clock, on the Host header or on the order of a map.
// What a request may say is written down in one table (Operations), what can go
// wrong in another (ProblemTypes); nothing a client sends is ignored or bent into
// shape.
package opendata
