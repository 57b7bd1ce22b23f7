package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"luoshu/catalog"
	"luoshu/catalog/ingest"
	"luoshu/catalog/screen"
)

// approvalLine is one decision of a second person. The file of these stays with
// the publisher and holds no text, only what it was about and its hash.
type approvalLine struct {
	screen.Approval
	ApprovedBy string    `json:"approved_by"`
	Because    string    `json:"because"`
	Time       time.Time `json:"time"`
}

func approvalsPath(dataDir string) string { return filepath.Join(dataDir, "approvals.jsonl") }

// readApprovals returns what second persons have let pass before.
func readApprovals(dataDir string) (*screen.Approvals, error) {
	known := &screen.Approvals{}
	f, err := os.Open(approvalsPath(dataDir))
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var l approvalLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", f.Name(), n, catalog.ErrDamaged)
		}
		known.Add(l.Approval)
	}
	return known, lines.Err()
}

// writeApprovals remembers what was let pass in this import.
func (p *publishFlags) writeApprovals(dataDir string, approved []ingest.Approved) error {
	var lines []any
	now := time.Now().UTC().Truncate(time.Second)
	for _, a := range approved {
		lines = append(lines, approvalLine{a.Approval, p.approvedBy, p.because, now})
	}
	return appendLines(approvalsPath(dataDir), lines...)
}

// approvals reads --approve RULE:ROW[,ROW…] and who decided. Whoever approves is
// another person than the reviewer.
func (p *publishFlags) approvals() (func(rule string, row int) bool, error) {
	if len(p.approve) == 0 {
		return nil, nil
	}
	if strings.TrimSpace(p.approvedBy) == "" || strings.TrimSpace(p.because) == "" {
		return nil, usagef("--approve needs --approved-by NAME and --because TEXT")
	}
	if strings.EqualFold(strings.TrimSpace(p.approvedBy), strings.TrimSpace(p.reviewedBy)) {
		return nil, usagef("--approved-by must be another person than --reviewed-by")
	}
	wanted := map[string]bool{}
	for _, s := range p.approve {
		rule, rows, ok := strings.Cut(s, ":")
		known, exists := screen.LookupRule(rule)
		if !ok || !exists || known.Action != screen.Hold {
			return nil, usagef("--approve %s: write RULE:ROW, with a rule that holds rows, such as M3:17", s)
		}
		for row := range strings.SplitSeq(rows, ",") {
			n, err := strconv.Atoi(row)
			if err != nil {
				return nil, usagef("--approve %s: %q is no row", s, row)
			}
			wanted[rule+":"+strconv.Itoa(n)] = true
		}
	}
	return func(rule string, row int) bool { return wanted[rule+":"+strconv.Itoa(row)] }, nil
}

func newScreen(env environment, c *common) *cobra.Command {
	var source string
	cmd := &cobra.Command{
		Use: "screen", Short: "Screen again what is published, after the rules have changed",
		Long: `Applies the rules of secrecy and personal data to the current release of a store
and names the records that would not pass today. It changes nothing: withdraw what
must go, or publish it again corrected. A pass never proves the absence of secrets.

Exit code 3 when there is something to do.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return screenStore(cmd.Context(), env, c, source)
		},
	}
	cmd.Flags().StringVar(&source, "source", "", "store to look into")
	return cmd
}

func screenStore(ctx context.Context, env environment, c *common, source string) error {
	store, err := openSource(ctx, source, "source")
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	release, err := currentRelease(ctx, store)
	if err != nil {
		return err
	}
	if release == nil {
		return fmt.Errorf("%s: %w", store, catalog.ErrNoRelease)
	}
	known, err := readApprovals(c.dataDir)
	if err != nil {
		return err
	}
	found, err := ingest.ScreenRelease(release, known)
	if err != nil {
		return err
	}
	if c.json {
		if err := printJSON(env.stdout, found); err != nil {
			return err
		}
	} else {
		printScreened(printer{w: env.stdout, lang: env.language(c.lang)}, release, found)
	}
	if len(found) > 0 {
		return fmt.Errorf("%d records would not pass today: %w", len(found), catalog.ErrInvalid)
	}
	return nil
}

func printScreened(p printer, release *catalog.Release, found []ingest.Screened) {
	p.line(catalog.Text{ZH: "第 %d 版，%d 条，其中 %d 条不合规则", EN: "release %d, %d records, %d of them against the rules"},
		release.Manifest.Sequence, len(release.Entries), len(found))
	for _, s := range found {
		for _, f := range s.Findings {
			p.line(catalog.Text{ZH: "  %s %s %s：%s", EN: "  %s %s %s: %s"}, s.ID, f.Field, f.Rule, f.Text().In(p.lang))
		}
	}
}
