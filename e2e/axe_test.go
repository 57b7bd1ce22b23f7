package e2e

import (
	"crypto/sha256"
	_ "embed"
	"encoding/csv"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe-core/axe.min.js
var axeCore string

// axe looks for what keeps people out: WCAG 2.2, A and AA, and axe's best practice.
// There must be nothing.
func (v *visitor) axe() {
	v.t.Helper()
	// The page's own policy lets no script in, but a debugger needs no leave.
	if _, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](axeCore+";true")); err != nil {
		v.t.Fatal(err)
	}
	found := must[[]violation](v, `async () => {
		const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];
		const options = {runOnly: tags, rules: {"target-size": {enabled: true}}, resultTypes: ["violations"], preload: false};
		const found = (await axe.run(document, options)).violations;
		// What the bar at the foot covers can be brought out from under it: it is judged where it would be touched.
		for (const f of found.filter(f => f.id === "target-size")) {
			const y = scrollY, kept = [];
			for (const n of f.nodes) {
				document.querySelector(n.target[0]).scrollIntoView({block: "center", behavior: "instant"});
				const again = await axe.run({include: [n.target]}, {...options, runOnly: {type: "rule", values: ["target-size"]}});
				kept.push(...again.violations.flatMap(f => f.nodes));
			}
			f.nodes = kept;
			scrollTo({top: y, behavior: "instant"});
		}
		return found.filter(f => f.nodes.length).map(f => ({Rule: f.id, Help: f.help, Nodes: f.nodes.map(n => n.target.join(" ") + "\n\t\t" + n.html.slice(0, 200) + "\n\t\t" + n.failureSummary.replaceAll("\n", " "))}));
	}`)
	for _, f := range found {
		v.t.Errorf("%s on %s: %s (%s), %d times:\n\t%s", v.path(), v.screen.name, f.Help, f.Rule, len(f.Nodes), strings.Join(f.Nodes[:min(3, len(f.Nodes))], "\n\t"))
	}
}

type violation struct {
	Rule, Help string
	Nodes      []string
}

// TestVendored holds the files of others to the list of them: every byte as it came.
func TestVendored(t *testing.T) {
	list, err := os.Open("testdata/vendored.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = list.Close() }()
	rows, err := csv.NewReader(list).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		b, err := os.ReadFile("testdata/" + row[0])
		if got := fmt.Sprintf("%x", sha256.Sum256(b)); err != nil || got != row[3] {
			t.Errorf("%s has SHA-256 %s, want %s (%v)", row[0], got, row[3], err)
		}
	}
}
