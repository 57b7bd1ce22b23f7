package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/ingest"
	"luoshu/catalog/screen"
)

// auditLine is one publication as the publisher must be able to account for it.
// It stays in the data directory and is never served.
//
// A line is written before anything is published, State "begun", and one after,
// "published" or "failed". A line that was begun and never ended is a publication
// that was interrupted: the store's history tells whether it came through. One
// "approved" stands alone: a second person decided, and nothing was to be published.
type auditLine struct {
	Time       time.Time    `json:"time"`
	State      string       `json:"state"`
	Store      string       `json:"store"`
	Catalog    string       `json:"catalog"`
	Sequence   int64        `json:"sequence"`
	Manifest   catalog.Hash `json:"manifest"`
	Rollback   int64        `json:"rollback_to,omitzero"`
	Publisher  string       `json:"publisher,omitzero"`
	Dataset    string       `json:"dataset,omitzero"`
	ReviewedBy string       `json:"reviewed_by,omitzero"`
	ReviewedOn string       `json:"reviewed_on,omitzero"`
	Files      []auditFile  `json:"files,omitempty"`
	Withdrawn  []string     `json:"withdrawn,omitempty"`
	Restored   []string     `json:"restored,omitempty"`
	// Recalled names what was taken back for good; why stands in Because.
	Recalled []string `json:"recalled,omitempty"`
	// SignedBy names the key of the signature.
	SignedBy string `json:"signed_by,omitzero"`
	// Rules is the edition of the rules the files were screened by.
	Rules int `json:"rules,omitzero"`
	// Approved names what a second person let pass: rule, record and row.
	Approved   []ingest.Approved `json:"approved,omitempty"`
	ApprovedBy string            `json:"approved_by,omitzero"`
	Because    string            `json:"because,omitzero"`
	Totals     *ingest.Totals    `json:"totals,omitempty"`
	// Codes says how many QR codes were read back before the publication.
	Codes proof `json:"codes,omitzero"`
}

// auditFile binds the review to the very bytes that were read. Name is what reports
// call the file.
type auditFile struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

func newAuditLine(target cache.Writer, pub *catalog.Publication) auditLine {
	m := pub.Release.Manifest
	return auditLine{Store: target.String(), Catalog: m.Catalog, Sequence: m.Sequence, Manifest: pub.Release.Hash, Rollback: m.Republishes}
}

// account adds to line what the operator said and what came of it.
func (p *publishFlags) account(line auditLine, files []*input, out *result) auditLine {
	line.Publisher, line.Dataset, line.ReviewedBy, line.ReviewedOn = p.publisher, p.dataset, p.reviewedBy, p.reviewedOn
	line.Withdrawn, line.Restored, line.Totals, line.Rules = p.withdraw, p.restore, &out.Totals, screen.Edition
	line.Codes = out.Codes
	if len(out.Approved) > 0 {
		line.Approved, line.ApprovedBy, line.Because = out.Approved, p.approvedBy, p.because
	}
	for _, f := range files {
		line.Files = append(line.Files, auditFile{ingest.ShownName(f.name), hexSum(f.sum)})
	}
	return line
}

// audited publishes between the two lines of the audit record. Without the first
// nothing is published.
func audited(dataDir string, line auditLine, publish func() error) error {
	line.State = "begun"
	if err := writeAudit(dataDir, line); err != nil {
		return catalog.NewTextError(nil, catalog.Text{ZH: "没有发布，因为审计记录（--data-dir）不能写入：%v", EN: "nothing is published, because the audit record cannot be written (--data-dir): %v"}, err)
	}
	err := publish()
	end := auditLine{
		State: "published", Store: line.Store, Catalog: line.Catalog, Sequence: line.Sequence, Manifest: line.Manifest,
		Recalled: line.Recalled, SignedBy: line.SignedBy,
	}
	if err != nil {
		end.State = "failed"
	}
	if auditErr := writeAudit(dataDir, end); auditErr != nil && err == nil {
		return catalog.NewTextError(nil, catalog.Text{ZH: "已经发布，但审计记录没有写完：%v", EN: "the release is published, but the audit record could not be ended: %v"}, auditErr)
	}
	return err
}

func auditPath(dataDir string) string { return filepath.Join(dataDir, "audit.jsonl") }

// writeAudit appends line to the audit record.
func writeAudit(dataDir string, line auditLine) error {
	line.Time = time.Now().UTC().Truncate(time.Second)
	return appendLines(auditPath(dataDir), line)
}

// appendLines adds JSON lines to a file that only its owner may read, and makes
// them durable.
func appendLines(path string, lines ...any) error {
	if len(lines) == 0 {
		return nil
	}
	var b []byte
	for _, l := range lines {
		line, err := json.Marshal(l)
		if err != nil {
			return err
		}
		b = append(append(b, line...), '\n')
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return cache.Append(path, b)
}

// eachLine calls do for every line of a file, however long it is, with its number.
func eachLine(path string, do func(n int, line []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			if err := do(n, line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// past is what this machine remembers of a store or catalog.
type past struct {
	// last is the highest release that it published, recall the highest that took
	// something back, 0 for none.
	last, recall int64
	// signed tells whether it ever signed one.
	signed bool
}

// auditedPast returns what this machine remembers of what it published to store.
func auditedPast(dataDir, store string) past {
	return remembered(dataDir, func(l auditLine) bool { return l.Store == store })
}

func remembered(dataDir string, of func(auditLine) bool) past {
	var p past
	_ = eachLine(auditPath(dataDir), func(_ int, line []byte) error {
		var l auditLine
		if json.Unmarshal(line, &l) != nil || l.State != "published" || !of(l) {
			return nil //nolint:nilerr // a line that cannot be read says nothing
		}
		p.last = max(p.last, l.Sequence)
		p.signed = p.signed || l.SignedBy != ""
		if len(l.Recalled) > 0 {
			p.recall = max(p.recall, l.Sequence)
		}
		return nil
	})
	return p
}

// warnIfLost speaks up when a store that this machine has published to is empty:
// readers that hold a higher release will not follow a catalog that begins anew.
func warnIfLost(env environment, c *common, target cache.Writer, lang string) {
	last := auditedPast(c.dataDir, target.String()).last
	if last == 0 {
		return
	}
	_, _ = fmt.Fprintf(env.stderr, catalog.Text{
		ZH: "注意：%s 现为空，但本机曾向它发布到第 %d 版。若数据已丢失，请先用 luoshu sync --from 副本 --to 该处 恢复；从第 1 版重新开始时，已持有更高版本的终端不会跟随。\n",
		EN: "warning: %s is empty, though release %d was published to it from here. If it was lost, restore it first with luoshu sync --from COPY --to it: nodes that hold a higher release do not follow one that begins anew.\n",
	}.In(lang), target, last)
}
