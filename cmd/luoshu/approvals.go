package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"luoshu/cache"
	"luoshu/catalog"
	"luoshu/catalog/ingest"
	"luoshu/catalog/screen"
)

// approvalLine is one decision of a second person. The file of these stays with
// the publisher and holds no text, only what it was about and its hash.
type approvalLine struct {
	screen.Approval
	Hash       string    `json:"hash"`
	ApprovedBy string    `json:"approved_by"`
	Because    string    `json:"because"`
	Time       time.Time `json:"time"`
}

func approvalsPath(dataDir string) string { return filepath.Join(dataDir, "approvals.jsonl") }

// readApprovals returns what second persons have let pass before.
func readApprovals(dataDir string) (*screen.Approvals, error) {
	key, err := approvalKey(dataDir)
	if err != nil {
		return nil, err
	}
	known := screen.NewApprovals(key)
	path := approvalsPath(dataDir)
	err = eachLine(path, func(n int, line []byte) error {
		var l approvalLine
		if err := json.Unmarshal(line, &l); err != nil {
			if !bytes.HasSuffix(line, []byte("\n")) {
				return nil // whoever wrote it died there
			}
			return catalog.NewTextError(catalog.ErrDamaged, catalog.Text{ZH: "%s 第 %d 行已损坏", EN: "%s, line %d: damaged"}, path, n)
		}
		l.Approval.Hash = l.Hash
		known.Add(l.Approval)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return known, err
}

func keyPath(dataDir string) string { return filepath.Join(dataDir, "approvals.key") }

// approvalKey returns the key that the hashes of approved texts are made with. As
// long as nothing was approved there is none, and any serves.
func approvalKey(dataDir string) ([]byte, error) {
	b, err := os.ReadFile(keyPath(dataDir))
	if errors.Is(err, fs.ErrNotExist) || len(b) == 0 && err == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) < 16 {
		return nil, catalog.NewTextError(catalog.ErrDamaged, catalog.Text{
			ZH: "%s 已损坏：请从备份恢复；删去它则以前的批准须重新作出", EN: "%s is damaged: restore it, or delete it and approve again what was approved",
		}, keyPath(dataDir))
	}
	return key, nil
}

// makeApprovalKey makes the key, unless there is one, for its owner alone.
func makeApprovalKey(dataDir string) error {
	if key, err := approvalKey(dataDir); key != nil || err != nil {
		return err
	}
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return err
	}
	return cache.Replace(keyPath(dataDir), func(w io.Writer) error { // which makes files of mode 0600
		key := make([]byte, 32)
		_, _ = rand.Read(key) // which never fails
		_, err := io.WriteString(w, hex.EncodeToString(key)+"\n")
		return err
	})
}

// writeApprovals remembers what was let pass in this import.
func (p *publishFlags) writeApprovals(dataDir string, approved []ingest.Approved) error {
	var lines []any
	now := time.Now().UTC().Truncate(time.Second)
	for _, a := range approved {
		lines = append(lines, approvalLine{a.Approval, a.Hash, p.approvedBy, p.because, now})
	}
	return appendLines(approvalsPath(dataDir), lines...)
}

// lifts reads --approve and checks who decided. Whoever approves is another person
// than the reviewer.
func (p *publishFlags) lifts() ([]ingest.Lift, error) {
	if len(p.approve) == 0 {
		return nil, nil
	}
	if strings.TrimSpace(p.approvedBy) == "" || strings.TrimSpace(p.because) == "" {
		return nil, usage("--approve 须同时写明 --approved-by 姓名 和 --because 理由", "--approve needs --approved-by NAME and --because TEXT")
	}
	if strings.EqualFold(strings.TrimSpace(p.approvedBy), strings.TrimSpace(p.reviewedBy)) {
		return nil, usage("--approved-by 必须是 --reviewed-by 以外的另一人", "--approved-by must be another person than --reviewed-by")
	}
	var all []ingest.Lift
	for _, s := range p.approve {
		lifts, err := parseLifts(s)
		if err != nil {
			return nil, err
		}
		all = append(all, lifts...)
	}
	return all, nil
}

// parseLifts reads RULE:ID, RULE:ROW or RULE:FILE/SHEET!ROW, with several rows or
// identifiers behind commas.
func parseLifts(s string) ([]ingest.Lift, error) {
	rule, rest, ok := strings.Cut(s, ":")
	known, exists := screen.LookupRule(rule)
	if !ok || !exists || known.Action == screen.Refuse {
		return nil, usage("--approve %s：应写作 规则:行号、规则:编号 或 规则:文件/工作表!行号，规则须是能使行待审的，如 M3:17",
			"--approve %s: write RULE:ROW, RULE:ID or RULE:FILE/SHEET!ROW, with a rule that holds rows, such as M3:17", s)
	}
	place, rows := "", rest
	if at := strings.LastIndexByte(rest, '!'); at >= 0 {
		place, rows = rest[:at], rest[at+1:]
		place, _ = screen.Redacted(place) // as reports write it
	}
	var lifts []ingest.Lift
	for one := range strings.SplitSeq(rows, ",") {
		l := ingest.Lift{Rule: rule, Place: place}
		if row, err := strconv.Atoi(one); err == nil && row > 0 {
			l.Row = row
		} else if id, err := catalog.ParseID(one); err == nil && place == "" {
			l.ID = id
		} else {
			return nil, usage("--approve %s：“%s”不是行号，也不是编号", "--approve %s: %q is neither a row nor an identifier", s, one)
		}
		lifts = append(lifts, l)
	}
	return lifts, nil
}
