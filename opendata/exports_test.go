package opendata_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/xuri/excelize/v2"

	"luoshu/catalog"
	"luoshu/opendata"
)

// files lists the files under dir.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all = append(all, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// exporter runs until the test ends.
func exporter(t testing.TB, dir string) *opendata.Exporter {
	t.Helper()
	x := opendata.NewExporter(opendata.ExporterConfig{Dir: dir})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		x.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return x
}

// exporting returns an app whose exports of the current release are ready.
func exporting(t testing.TB, s *shelf, dir string) *fiber.App {
	t.Helper()
	x := exporter(t, dir)
	app := serve(t, s, func(c *opendata.Config) { c.Exporter = x })
	x.Swap(s.Current())
	ready(t, app)
	return app
}

func ready(t testing.TB, app *fiber.App) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 5*time.Minute; time.Sleep(10 * time.Millisecond) {
		switch a := get(t, app, "/api/v1/exports"); {
		case a.status == 200:
			return
		case a.status != 503 || a.header.Get("Retry-After") == "":
			t.Fatalf("while exports are made: %s", a)
		}
	}
	t.Fatal("no exports")
}

// awkward is a release with what tables find hard: what looks like a formula, the
// separators, line breaks, lists of objects with gaps, codes, amounts and months.
func awkward(t testing.TB) *catalog.Release {
	t.Helper()
	r := release(t, 1, "", edit{achievements: 1})
	records := []string{
		`"abstract":"=1+1\n\"引号\", 逗号","keywords":["a|b","c\\d","=x"],"title":"=cmd|' /C calc'!A0"`,
		`"abstract":"+86","ip":[{"kind":"invention"},{"number":"@1","status_on":"2020-01"}],"title":"-1"`,
		`"abstract":"\t制表","completed_on":"2020-05","evaluated_on":"2021-06-30","price":{"currency":"CNY","max":1.5e+21,"min":0.1,"negotiable":true},"title":"@sum","trl":7`,
		`"abstract":"'撇号","industries":[{"code":"3451","scheme":"gbt4754-2017"},{"code":"C","scheme":"gbt4754-2017"}],"organizations":[{"name":"甲"},{"id":"B0000000","name":"乙"}],"raw":{"stage":"中试|小试"},"title":"＝全角"`,
		`"abstract":"` + strings.Repeat("长", 2000) + `","sample":true,"title":" 空格 "`,
	}
	r.Entries = slices.DeleteFunc(r.Entries, func(e catalog.Entry) bool { return e.Dataset == catalog.Achievements })
	var own []catalog.Entry
	for i, text := range records {
		id := named(catalog.Achievements, "awkward "+strconv.Itoa(i))
		line := fmt.Sprintf(`{"dataset":"achievements","id":%q,"publisher":"market","source":"0011",%s}`, id, text)
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		raw, err := catalog.Canonical(v)
		if err != nil {
			t.Fatal(err)
		}
		own = append(own, catalog.Entry{ID: id, Dataset: catalog.Achievements, Raw: raw})
	}
	slices.SortFunc(own, func(a, b catalog.Entry) int { return strings.Compare(string(a.ID), string(b.ID)) })
	r.Entries = append(own, r.Entries...)
	r.Manifest.Counts[catalog.Achievements] = len(own)
	return r
}

// flat returns what a row must say of a record: by column, the texts of its values.
// It is written apart from the exporter, over decoded JSON.
func flat(t testing.TB, d catalog.Dataset, raw []byte) map[string][]string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	var record map[string]any
	if err := decoder.Decode(&record); err != nil {
		t.Fatal(err)
	}
	row := map[string][]string{}
	var text func(v any) string
	text = func(v any) string {
		switch v := v.(type) {
		case nil:
			return ""
		case map[string]any:
			if scheme, ok := v["scheme"].(string); ok && len(v) == 2 {
				return scheme + ":" + text(v["code"])
			}
			b, err := catalog.Canonical(v)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		return fmt.Sprint(v)
	}
	for _, f := range catalog.Fields(d) {
		paths := []string{f.Path}
		if f.Type == "money" {
			paths = nil
			for _, part := range []string{"min", "max", "currency", "negotiable", "basis"} {
				paths = append(paths, f.Path+"."+part)
			}
		}
		for _, path := range paths {
			at := []any{record}
			for step := range strings.SplitSeq(path, ".") {
				name, many := strings.CutSuffix(step, "[]")
				var next []any
				for _, v := range at {
					object, _ := v.(map[string]any)
					switch member, ok := object[name]; {
					case many:
						list, _ := member.([]any)
						next = append(next, list...)
					case ok:
						next = append(next, member)
					case f.Many():
						next = append(next, nil)
					}
				}
				at = next
			}
			row[path] = []string{}
			for _, v := range at {
				row[path] = append(row[path], text(v))
			}
		}
	}
	return row
}

// split undoes the joining of a list in one cell.
func split(cell string) []string {
	var items []string
	var item strings.Builder
	for i := 0; i < len(cell); i++ {
		switch cell[i] {
		case '\\':
			i++
			item.WriteByte(cell[i])
		case '|':
			items = append(items, item.String())
			item.Reset()
		default:
			item.WriteByte(cell[i])
		}
	}
	return append(items, item.String())
}

// agree compares a cell with the values it must hold.
func agree(path, cell string, want []string) bool {
	switch {
	case len(want) == 0:
		return cell == ""
	case strings.Contains(path, "[]"):
		return slices.Equal(split(cell), want)
	}
	return cell == want[0]
}

// TestExportsEqualTheRecords: in every format, every row says what the record says.
func TestExportsEqualTheRecords(t *testing.T) {
	s := newShelf()
	s.publish(t, awkward(t))
	for name, s := range map[string]*shelf{"demonstration": demonstration(t), "awkward": s} {
		t.Run(name, func(t *testing.T) {
			app := exporting(t, s, t.TempDir())
			for d := range catalog.Datasets() {
				var records []catalog.Entry
				for e := range s.Current().All(d.Name) {
					records = append(records, e)
				}
				address := "/api/v1/exports/" + string(d.Name)

				var lines strings.Builder
				for _, e := range records {
					lines.Write(e.Raw)
					lines.WriteByte('\n')
				}
				if a := get(t, app, address+".jsonl"); a.body != lines.String() {
					t.Errorf("%s.jsonl is not the lines of the release", d.Name)
				}

				raw := parseCSV(t, get(t, app, address+".csv").body)
				body := get(t, app, address+".csv?profile=excel").body
				excel := parseCSV(t, strings.TrimPrefix(body, "\ufeff"))
				if !strings.HasPrefix(body, "\ufeff") || strings.HasPrefix(get(t, app, address+".csv").body, "\ufeff") {
					t.Errorf("%s: the byte order mark belongs to excel alone", d.Name)
				}
				book := openBook(t, get(t, app, address+".xlsx").body)
				sheet, err := book.GetRows(d.Label.ZH, excelize.Options{RawCellValue: true})
				if err != nil {
					t.Fatal(err)
				}
				if len(raw) != len(records)+1 || len(excel) != len(records)+1 || len(sheet) != len(records)+1 {
					t.Fatalf("%s: %d, %d and %d rows for %d records", d.Name, len(raw), len(excel), len(sheet), len(records))
				}
				for i, e := range records {
					want := flat(t, d.Name, e.Raw)
					for c, path := range raw[0] {
						if _, ok := want[path]; !ok {
							t.Fatalf("%s: unknown column %s", d.Name, path)
						}
						if got := raw[i+1][c]; !agree(path, got, want[path]) {
							t.Errorf("%s.csv %s %s = %q, want %q", d.Name, e.ID, path, got, want[path])
						}
						if got := strings.TrimPrefix(excel[i+1][c], "'"); !agree(path, got, want[path]) {
							t.Errorf("%s.csv for Excel, %s %s = %q, want %q", d.Name, e.ID, path, got, want[path])
						}
						got := ""
						if c < len(sheet[i+1]) {
							got = sheet[i+1][c]
						}
						if !agree(path, unfold(got, want[path]), want[path]) {
							t.Errorf("%s.xlsx %s %s = %q, want %q", d.Name, e.ID, path, got, want[path])
						}
					}
					if len(want) != len(raw[0]) {
						t.Errorf("%s: %d columns for %d fields", d.Name, len(raw[0]), len(want))
					}
				}
				for c, label := range excel[0] {
					if label != sheet[0][c] || !strings.ContainsFunc(label, func(r rune) bool { return r > 0x3000 }) && label != "IP" {
						t.Errorf("%s: column %d is called %q and %q", d.Name, c, label, sheet[0][c])
					}
				}
				about, err := book.GetRows("说明")
				m := s.Current().Manifest()
				if said := fmt.Sprint(about); err != nil || !strings.Contains(said, m.License.Name.ZH) ||
					!strings.Contains(said, string(s.Current().Hash())) || !strings.Contains(said, m.Publisher.ZH) {
					t.Errorf("%s: 说明 says %s (%v)", d.Name, said, err)
				}
			}
		})
	}
}

// unfold returns what Excel keeps as a serial day or a 1 in the words of the record.
func unfold(cell string, want []string) string {
	if len(want) != 1 || cell == want[0] {
		return cell
	}
	if _, err := time.Parse(time.DateOnly, want[0]); err == nil {
		if n, err := strconv.ParseFloat(cell, 64); err == nil {
			if d, err := excelize.ExcelDateToTime(n, false); err == nil {
				return d.Format(time.DateOnly)
			}
		}
	}
	switch {
	case want[0] == "true" && cell == "1":
		return "true"
	case want[0] == "false" && cell == "0":
		return "false"
	}
	a, errA := strconv.ParseFloat(cell, 64)
	if b, err := strconv.ParseFloat(want[0], 64); err == nil && errA == nil && a == b {
		return want[0]
	}
	return cell
}

func parseCSV(t testing.TB, body string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func openBook(t testing.TB, body string) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestFormulas: what a spreadsheet would compute is kept from it where a person opens
// the file, and nowhere else.
func TestFormulas(t *testing.T) {
	s := newShelf()
	s.publish(t, awkward(t))
	app := exporting(t, s, "")
	raw := parseCSV(t, get(t, app, "/api/v1/exports/achievements.csv").body)
	excel := parseCSV(t, strings.TrimPrefix(get(t, app, "/api/v1/exports/achievements.csv?profile=excel").body, "\ufeff"))
	book := openBook(t, get(t, app, "/api/v1/exports/achievements.xlsx").body)
	seen := 0
	for i := 1; i < len(raw); i++ {
		for c, plain := range raw[i] {
			dangerous := plain != "" && strings.ContainsRune("=+-@\t'＝", []rune(plain)[0])
			if want := map[bool]string{true: "'" + plain, false: plain}[dangerous]; excel[i][c] != want {
				t.Errorf("row %d, %s: %q, want %q", i, raw[0][c], excel[i][c], want)
			}
			if !dangerous {
				continue
			}
			seen++
			axis, err := excelize.CoordinatesToCellName(c+1, i+1)
			if err != nil {
				t.Fatal(err)
			}
			formula, _ := book.GetCellFormula("成果", axis)
			kind, _ := book.GetCellType("成果", axis)
			if value, _ := book.GetCellValue("成果", axis); formula != "" || value != plain || kind == excelize.CellTypeFormula || kind == excelize.CellTypeNumber {
				t.Errorf("%s: %q of type %v with formula %q", axis, value, kind, formula)
			}
		}
	}
	if seen < 8 {
		t.Errorf("%d dangerous cells met", seen)
	}
}

// TestExportHeaders is about everything around the bytes.
func TestExportHeaders(t *testing.T) {
	s := demonstration(t)
	for where, dir := range map[string]string{"disk": t.TempDir(), "memory": ""} {
		app := exporting(t, s, dir)
		const address = "/api/v1/exports/achievements.jsonl"
		whole := get(t, app, address)
		etag, size := whole.header.Get("ETag"), len(whole.body)
		sum := sha256.Sum256([]byte(whole.body))
		want := map[string]string{
			"Content-Type": "application/jsonl", "Content-Length": strconv.Itoa(size), "Accept-Ranges": "bytes",
			"Etag": `"` + hex.EncodeToString(sum[:]) + `"`, "Vary": "Accept-Encoding", "Content-Encoding": "",
			"Repr-Digest":         "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":",
			"Content-Disposition": fmt.Sprintf(`attachment; filename="%s-1-achievements.jsonl"`, s.Current().Manifest().Catalog),
			"Last-Modified":       s.Current().Manifest().PublishedAt.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"),
			"X-Luoshu-Release":    "1", "Access-Control-Allow-Origin": "*",
		}
		for key, value := range want {
			if got := whole.header.Get(key); got != value {
				t.Errorf("%s: %s = %q, want %q", where, key, got, value)
			}
		}
		if a := ask(t, app, "HEAD", address, "Range", "bytes=0-3"); a.status != 200 || a.body != "" || a.header.Get("Content-Length") != strconv.Itoa(size) {
			t.Errorf("%s: HEAD: %s", where, a)
		}

		all, gone := whole.body, strconv.Itoa(size)
		tests := []struct {
			name   string
			header []string
			status int
			part   string
		}{
			{"first bytes", []string{"Range", "bytes=0-9"}, 206, all[:10]},
			{"from the middle", []string{"Range", "bytes=100-"}, 206, all[100:]},
			{"the last bytes", []string{"Range", "bytes=-7"}, 206, all[size-7:]},
			{"more than all at the end", []string{"Range", "bytes=-99999999"}, 200, all},
			{"an end beyond the end", []string{"Range", "bytes=5-99999999999999999999"}, 206, all[5:]},
			{"unit in capitals", []string{"Range", "Bytes=0-0"}, 206, all[:1]},
			{"all of it", []string{"Range", "bytes=0-"}, 200, all},
			{"behind the end", []string{"Range", "bytes=" + gone + "-"}, 416, ""},
			{"nothing", []string{"Range", "bytes=-0"}, 416, ""},
			{"a number beyond any", []string{"Range", "bytes=99999999999999999999-"}, 416, ""},
			{"backwards", []string{"Range", "bytes=9-5"}, 200, all},
			{"several", []string{"Range", "bytes=0-1,5-6"}, 200, all},
			{"another unit", []string{"Range", "lines=0-1"}, 200, all},
			{"no numbers", []string{"Range", "bytes=-"}, 200, all},
			{"a sign", []string{"Range", "bytes=+1-2"}, 200, all},
			{"the same file", []string{"Range", "bytes=0-9", "If-Range", etag}, 206, all[:10]},
			{"another file", []string{"Range", "bytes=0-9", "If-Range", `"x"`}, 200, all},
			{"another file, behind its end", []string{"Range", "bytes=" + gone + "-", "If-Range", `"x"`}, 200, all},
			{"a weak tag", []string{"Range", "bytes=0-9", "If-Range", "W/" + etag}, 200, all},
			{"a date", []string{"Range", "bytes=0-9", "If-Range", whole.header.Get("Last-Modified")}, 200, all},
			{"had already", []string{"If-None-Match", etag}, 304, ""},
			{"had already, part asked for", []string{"If-None-Match", etag, "Range", "bytes=0-9"}, 304, ""},
			{"not changed since", []string{"If-Modified-Since", whole.header.Get("Last-Modified")}, 304, ""},
			{"another tag", []string{"If-None-Match", `"x"`}, 200, all},
		}
		for _, tt := range tests {
			a := get(t, app, address, tt.header...)
			if a.status != tt.status || tt.status < 300 && a.body != tt.part {
				t.Errorf("%s, %s: status %d with %d bytes, want %d with %d", where, tt.name, a.status, len(a.body), tt.status, len(tt.part))
			}
			switch a.status {
			case 206:
				start := strings.Index(all, tt.part)
				if strings.HasSuffix(all, tt.part) {
					start = size - len(tt.part)
				}
				if want := fmt.Sprintf("bytes %d-%d/%d", start, start+len(tt.part)-1, size); a.header.Get("Content-Range") != want {
					t.Errorf("%s, %s: Content-Range %q, want %q", where, tt.name, a.header.Get("Content-Range"), want)
				}
			case 416:
				if a.header.Get("Content-Range") != "bytes */"+gone || a.header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s, %s: %s", where, tt.name, a)
				}
			}
		}
	}
}

// TestExportCodings: each coding is a file of its own, with its own tag, digest and
// ranges, and unpacks to the same.
func TestExportCodings(t *testing.T) {
	app := exporting(t, demonstration(t), t.TempDir())
	unpack := map[string]func(string) string{
		"": func(s string) string { return s },
		"gzip": func(s string) string {
			r, err := gzip.NewReader(strings.NewReader(s))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		},
		"zstd": func(s string) string {
			r, err := zstd.NewReader(strings.NewReader(s))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		},
	}
	tests := []struct{ accept, csv, xlsx string }{
		{"", "", ""},
		{"gzip", "gzip", ""},
		{"zstd", "zstd", ""},
		{"gzip, deflate, br, zstd", "zstd", ""},
		{"gzip;q=1.0, zstd;q=0.5", "gzip", ""},
		{"GZIP ; Q=0.3", "gzip", ""},
		{"*", "zstd", ""},
		{"*, zstd;q=0", "gzip", ""},
		{"gzip;q=0, zstd;q=0", "", ""},
		{"identity, gzip;q=0.5", "", ""},
		{"identity;q=0.5, gzip;q=0.5", "gzip", ""},
		{"br", "", ""},
		{"gzip;q=much", "", ""},
	}
	for _, file := range []string{"achievements.csv", "achievements.csv?profile=excel", "achievements.jsonl", "achievements.xlsx", "achievements.parquet"} {
		plain := get(t, app, "/api/v1/exports/"+file).body
		tags := map[string]string{}
		for _, tt := range tests {
			a := get(t, app, "/api/v1/exports/"+file, "Accept-Encoding", tt.accept)
			want := tt.csv
			if strings.HasSuffix(file, "xlsx") || strings.HasSuffix(file, "parquet") {
				want = tt.xlsx
			}
			coding := a.header.Get("Content-Encoding")
			if a.status != 200 || coding != want || a.header.Get("Vary") != "Accept-Encoding" || unpack[coding](a.body) != plain {
				t.Errorf("%s as %q: coding %q, want %q", file, tt.accept, coding, want)
			}
			sum := sha256.Sum256([]byte(a.body))
			if a.header.Get("ETag") != `"`+hex.EncodeToString(sum[:])+`"` ||
				a.header.Get("Repr-Digest") != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" {
				t.Errorf("%s as %q: tag or digest of other bytes", file, tt.accept)
			}
			tags[a.header.Get("ETag")] = coding
			if part := get(t, app, "/api/v1/exports/"+file, "Accept-Encoding", tt.accept, "Range", "bytes=3-9"); part.body != a.body[3:10] {
				t.Errorf("%s as %q: part of other bytes", file, tt.accept)
			}
		}
		if want := len(slices.Compact(slices.Sorted(maps.Values(tags)))); len(tags) != want {
			t.Errorf("%s: %d tags for %d codings", file, len(tags), want)
		}
	}
}

// TestExportList: the list says of every file what is true of it, and the same files
// are made everywhere.
func TestExportList(t *testing.T) {
	s := demonstration(t)
	here, there := exporting(t, s, t.TempDir()), exporting(t, s, "")
	type listing struct {
		Data []struct {
			Dataset, Format, Profile string
			MediaType                string `json:"media_type"`
			Records                  int
			Bytes                    int64
			SHA256                   catalog.Hash
			Encodings                []struct {
				Coding string
				Bytes  int64
				SHA256 catalog.Hash
			}
			Links struct{ Self string }
		}
		Meta struct {
			Total   int
			Release struct{ Sequence int64 }
		}
	}
	a := get(t, here, "/api/v1/exports")
	if a.body != get(t, there, "/api/v1/exports").body {
		t.Error("two nodes list different files")
	}
	var l listing
	a.decode(t, &l)
	if l.Meta.Total != 12*5 || len(l.Data) != 12*5 || l.Meta.Release.Sequence != 1 {
		t.Fatalf("%+v", l.Meta)
	}
	for _, f := range l.Data {
		_, after, _ := strings.Cut(f.Links.Self, "/api/")
		path := "/api/" + after
		got := get(t, here, path)
		if int64(len(got.body)) != f.Bytes || catalog.HashOf([]byte(got.body)) != f.SHA256 || got.header.Get("Content-Type") != f.MediaType ||
			f.Records != s.Current().Count(catalog.Dataset(f.Dataset)) {
			t.Errorf("%s: %+v", path, f)
		}
		for _, e := range f.Encodings {
			got := get(t, there, path, "Accept-Encoding", e.Coding)
			if int64(len(got.body)) != e.Bytes || catalog.HashOf([]byte(got.body)) != e.SHA256 {
				t.Errorf("%s as %s: %+v", path, e.Coding, e)
			}
		}
	}
}

// TestExportsFollowTheRelease: before they are ready the answer is "later"; a restart
// finds them; the next release takes their place; what is damaged is made again.
func TestExportsFollowTheRelease(t *testing.T) {
	s := newShelf()
	one := release(t, 1, "", edit{achievements: 3})
	s.publish(t, one)
	dir := t.TempDir()
	stranger := filepath.Join(dir, "not-ours.txt")
	for _, name := range []string{stranger, filepath.Join(dir, ".tmp-left", "x")} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	idle := opendata.NewExporter(opendata.ExporterConfig{Dir: dir})
	app := serve(t, s, func(c *opendata.Config) { c.Exporter = idle })
	for _, path := range []string{"/api/v1/exports", "/api/v1/exports/achievements.csv", "/api/v1/exports/experts.xlsx"} {
		a := get(t, app, path)
		var p struct{ Type string }
		a.decode(t, &p)
		if a.status != 503 || a.header.Get("Retry-After") != "10" || !strings.HasSuffix(p.Type, "#exports-pending") {
			t.Errorf("%s before: %s", path, a)
		}
	}
	if a := get(t, serve(t, s), "/api/v1/exports"); a.status != 503 || !strings.Contains(a.body, "#unavailable") {
		t.Errorf("a node without exports: %s", a)
	}

	app = exporting(t, s, dir)
	first := get(t, app, "/api/v1/exports/achievements.csv")
	made := files(t, dir)
	if !slices.Contains(made, "not-ours.txt") || slices.ContainsFunc(made, func(f string) bool { return strings.HasPrefix(f, ".tmp-") }) {
		t.Errorf("swept wrongly: %v", made)
	}
	info, err := os.Stat(filepath.Join(dir, string(one.Hash), "achievements.csv"))
	if err != nil {
		t.Fatal(err)
	}

	// A restart finds them.
	again := exporting(t, s, dir)
	if a := get(t, again, "/api/v1/exports/achievements.csv"); a.body != first.body || a.header.Get("ETag") != first.header.Get("ETag") {
		t.Errorf("after a restart: %s", a)
	}
	if now, err := os.Stat(filepath.Join(dir, string(one.Hash), "achievements.csv")); err != nil || !now.ModTime().Equal(info.ModTime()) {
		t.Errorf("made again without need (%v)", err)
	}
	// A damaged file is not served.
	path := filepath.Join(dir, string(one.Hash), "achievements.csv")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", len(first.body))), 0o644); err != nil {
		t.Fatal(err)
	}
	if a := get(t, exporting(t, s, dir), "/api/v1/exports/achievements.csv"); a.body != first.body {
		t.Errorf("after damage: %s", a)
	}

	// The next release takes their place.
	two := release(t, 2, one.Hash, edit{achievements: 4})
	x := exporter(t, dir)
	app = serve(t, s, func(c *opendata.Config) { c.Exporter = x })
	x.Swap(s.Current())
	ready(t, app)
	s.publish(t, two)
	if a := get(t, app, "/api/v1/exports/achievements.csv"); a.status != 503 {
		t.Errorf("of a release before: %s", a)
	}
	x.Swap(s.Current())
	ready(t, app)
	if a := get(t, app, "/api/v1/exports/achievements.csv", "If-Range", first.header.Get("ETag"), "Range", "bytes=5-"); a.status != 200 ||
		a.header.Get("X-Luoshu-Release") != "2" || strings.Count(a.body, "\r\n") != 5 {
		t.Errorf("after the next release: %s", a)
	}
	for _, f := range files(t, dir) {
		if f != "not-ours.txt" && !strings.HasPrefix(f, string(two.Hash)+"/") {
			t.Errorf("left behind: %s", f)
		}
	}
}

// TestExportsCannotBeMade: a full or read-only disk costs the exports, not the rest.
func TestExportsCannotBeMade(t *testing.T) {
	s := newShelf()
	s.publish(t, release(t, 1, "", edit{achievements: 3}))
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	x := exporter(t, dir)
	app := serve(t, s, func(c *opendata.Config) { c.Exporter = x })
	x.Swap(s.Current())
	for range 500 {
		a := get(t, app, "/api/v1/exports/achievements.csv")
		if strings.Contains(a.body, "#unavailable") {
			break
		}
		if !strings.Contains(a.body, "#exports-pending") {
			t.Fatalf("%s", a)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if a := get(t, app, "/api/v1/exports/achievements.csv"); a.status != 503 || !strings.Contains(a.body, "#unavailable") || strings.Contains(a.body, dir) {
		t.Errorf("%s", a)
	}
	if a := get(t, app, "/api/v1/achievements"); a.status != 200 {
		t.Errorf("%s", a)
	}
}

func TestExportAddresses(t *testing.T) {
	app := exporting(t, demonstration(t), "")
	tests := []struct {
		path   string
		status int
		want   string
	}{
		{"achievementz.csv", 404, "achievements"},
		{"achievements.cvs", 404, "unknown-address"},
		{"achievements", 404, "unknown-address"},
		{"achievements.csv?profile=exel", 400, "excel"},
		{"achievements.csv?profile=", 400, "profile"},
		{"achievements.xlsx?profile=excel", 400, "profile"},
		{"achievements.csv?profil=excel", 400, "profile"},
	}
	for _, tt := range tests {
		if a := get(t, app, "/api/v1/exports/"+tt.path); a.status != tt.status || !strings.Contains(a.body, tt.want) {
			t.Errorf("%s: %s", tt.path, a)
		}
	}
}

// TestSlowReader: who reads on gets the whole of a file, however long the server's own
// patience is; what lies in the buffers on the way is far less than the file.
func TestSlowReader(t *testing.T) {
	const patience = 100 * time.Millisecond
	s := corpus(t, 8_000)
	x := exporter(t, t.TempDir())
	h, err := opendata.New(opendata.Config{Reader: s, Archive: s, Exporter: x})
	if err != nil {
		t.Fatal(err)
	}
	x.Swap(s.Current())
	app := fiber.New(fiber.Config{Immutable: true, DisableStartupMessage: true, WriteTimeout: patience, ErrorHandler: h.Problem})
	h.Routes(app)
	ready(t, app)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(listener) }()
	defer func() {
		if err := errors.Join(app.Shutdown(), <-ended); err != nil {
			t.Error(err)
		}
	}()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.(*net.TCPConn).SetReadBuffer(16 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /api/v1/exports/achievements.jsonl HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * patience)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	digest := sha256.New()
	n, err := io.Copy(digest, res.Body)
	if err != nil || n != res.ContentLength || `"`+hex.EncodeToString(digest.Sum(nil))+`"` != res.Header.Get("ETag") {
		t.Errorf("%d of %d bytes: %v", n, res.ContentLength, err)
	}
}
