package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/ingest"
)

// auditLine is one publication as the publisher must be able to account for it.
// It stays in the data directory and is never served.
type auditLine struct {
	Time       time.Time     `json:"time"`
	Store      string        `json:"store"`
	Catalog    string        `json:"catalog"`
	Sequence   int64         `json:"sequence"`
	Manifest   catalog.Hash  `json:"manifest"`
	Publisher  string        `json:"publisher"`
	Dataset    string        `json:"dataset,omitzero"`
	ReviewedBy string        `json:"reviewed_by,omitzero"`
	ReviewedOn string        `json:"reviewed_on,omitzero"`
	Conclusion string        `json:"conclusion,omitzero"`
	Files      []auditFile   `json:"files,omitempty"`
	Withdrawn  []string      `json:"withdrawn,omitempty"`
	Restored   []string      `json:"restored,omitempty"`
	Totals     ingest.Totals `json:"totals"`
}

// auditFile binds the review to the very bytes that were read.
type auditFile struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

func auditEntry(p *publishFlags, files []*input, target cache.Writer, pub *catalog.Publication, report *ingest.Report) auditLine {
	m := pub.Release.Manifest
	line := auditLine{
		Time: m.PublishedAt, Store: target.String(), Catalog: m.Catalog, Sequence: m.Sequence, Manifest: pub.Release.Hash,
		Publisher: p.publisher, Dataset: p.dataset, ReviewedBy: p.reviewedBy, ReviewedOn: p.reviewedOn,
		Withdrawn: p.withdraw, Restored: p.restore, Totals: report.Totals,
	}
	if len(files) > 0 {
		line.Conclusion = "publishable"
	}
	for _, f := range files {
		line.Files = append(line.Files, auditFile{filepath.Base(f.name), hexSum(f.sum)})
	}
	return line
}

func auditPath(dataDir string) string { return filepath.Join(dataDir, "audit.jsonl") }

// writeAudit appends line to the audit record and makes it durable.
func writeAudit(dataDir string, line auditLine) error {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return err
	}
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(auditPath(dataDir), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// lastAudited returns the highest release that this machine published to store,
// 0 for none.
func lastAudited(dataDir, store string) int64 {
	f, err := os.Open(auditPath(dataDir))
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	var last int64
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l auditLine
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Store == store {
			last = max(last, l.Sequence)
		}
	}
	return last
}

// warnIfLost speaks up when a store that this machine has published to is empty:
// readers that hold a higher release will not follow a catalog that begins anew.
func warnIfLost(env environment, c *common, target cache.Writer, lang string) {
	last := lastAudited(c.dataDir, target.String())
	if last == 0 {
		return
	}
	_, _ = fmt.Fprintf(env.stderr, catalog.Text{
		ZH: "注意：%s 现为空，但本机曾向它发布到第 %d 版。若数据已丢失，请先用 luoshu sync --from 副本 --to 该处 恢复；从第 1 版重新开始时，已持有更高版本的终端不会跟随。\n",
		EN: "warning: %s is empty, though release %d was published to it from here. If it was lost, restore it first with luoshu sync --from COPY --to it: nodes that hold a higher release do not follow one that begins anew.\n",
	}.In(lang), target, last)
}
