package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"io"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"luoshu/catalog"
)

// fleetTemplate is the operator's page: a table that reads itself again. It needs no other
// file, and its style is allowed by its digest alone.
var fleetTemplate = template.Must(template.New("fleet").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="30">
<title>{{.Title}}</title>
<style>` + fleetStyle + `</style>
<main>
<h1>{{.Title}}</h1>
<p>{{.Summary}}{{if .Problem}} {{.Problem}}{{end}} <a href="?lang={{.Other}}">{{.OtherName}}</a></p>
{{if .Rows}}<table>
<tr>{{range .Heads}}<th scope="col">{{.}}</th>{{end}}</tr>
{{range .Rows}}<tr class="{{.State}}">{{range .Cells}}<td>{{.}}</td>{{end}}</tr>
{{end}}</table>{{end}}
</main>
</html>
`))

const fleetStyle = `body{font:16px/1.5 system-ui,sans-serif;margin:2rem;color:#1f1f1f;background:#fff}` +
	`h1{font-size:1.4rem}table{border-collapse:collapse}th,td{text-align:left;padding:.4rem 1.2rem .4rem 0;border-bottom:1px solid #ccc;vertical-align:top}` +
	`.silent td:nth-child(2),.failing td:nth-child(2){color:#a3161a;font-weight:600}.behind td:nth-child(2),.unheard td:nth-child(2){color:#7a4b00;font-weight:600}`

type fleetPage struct {
	Lang, Title, Summary, Problem, Other, OtherName string
	Heads                                           []string
	Rows                                            []fleetPageRow
}

type fleetPageRow struct {
	State string
	Cells []string
}

// page answers /fleet.
func (d *dispatcher) page(w http.ResponseWriter, r *http.Request) {
	lang := "zh"
	if r.URL.Query().Get("lang") == "en" {
		lang = "en"
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	sum := sha256.Sum256([]byte(fleetStyle))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	_ = writeFleetPage(w, d.report(r.Context()), d.now(), lang)
}

func writeFleetPage(w io.Writer, r fleetReport, now time.Time, lang string) error {
	p := fleetPage{
		Lang: map[string]string{"zh": "zh-CN", "en": "en"}[lang], Title: catalog.Text{ZH: "终端", EN: "Terminals"}.In(lang),
		Summary: fleetSummary(r, lang), Problem: r.Problem, Other: "en", OtherName: "English",
		Heads: fleetHeads(lang),
	}
	if lang == "en" {
		p.Other, p.OtherName = "zh", "中文"
	}
	for _, t := range r.Terminals {
		p.Rows = append(p.Rows, fleetPageRow{t.State, fleetRow(t, r.Release, now, lang)})
	}
	return fleetTemplate.Execute(w, p)
}

// metrics tells of the fleet as Prometheus wants it: how many terminals are in each state,
// and of every registered one what an alarm is made of.
func (d *dispatcher) metrics(ctx context.Context, w io.Writer) {
	r := d.report(ctx)
	counts := map[string]uint64{}
	now := d.now()
	for _, t := range r.Terminals {
		counts[t.State]++
		if !t.Registered || t.State == unheard {
			continue
		}
		label := `{terminal="` + t.Terminal + `"}`
		metrics.WriteGaugeUint64(w, "luoshu_terminal_release_sequence"+label, uint64(max(t.Release, 0)))
		metrics.WriteGaugeFloat64(w, "luoshu_terminal_silence_seconds"+label, now.Sub(t.SeenAt).Seconds())
		metrics.WriteGaugeUint64(w, "luoshu_terminal_problem"+label, digit(t.Problem != ""))
		metrics.WriteGaugeFloat64(w, "luoshu_terminal_disk_free_bytes"+label, float64(t.DiskFree))
	}
	for _, state := range states {
		metrics.WriteGaugeUint64(w, `luoshu_terminals{state="`+state+`"}`, counts[state])
	}
}
