package ingest

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"luoshu/cache"
	"luoshu/catalog"
)

// bundleOf publishes d to a bundle file and returns its bytes.
func bundleOf(t testing.TB, d *catalog.Draft) (*catalog.Release, []byte) {
	t.Helper()
	p, err := d.Build(context.Background(), catalog.BuildOptions{})
	must(t, err)
	path := filepath.Join(t.TempDir(), "a.luoshu")
	b, err := cache.OpenBundle(path)
	must(t, err)
	must(t, b.Prepare(context.Background()), cache.Publish(context.Background(), b, p, nil, nil), b.Close())
	content, err := os.ReadFile(path)
	must(t, err)
	return p.Release, content
}

func published(t testing.TB, publisher string) *catalog.Draft {
	t.Helper()
	d := catalog.NewDraft(nil, now)
	_, err := ImportBatches(context.Background(), d, []Batch{
		{Dataset: catalog.Packages, Files: file("p.jsonl", `{"title":"第一期","source_key":"p1","items":["key:a1","key:a2"]}`)},
		{Dataset: catalog.Achievements, Files: file("a.jsonl", `{"source_key":"a1","title":"甲成果","organizations":[{"name":"甲研究院"}],"ip":[{"number":"ZL202119900012.4"}]}
{"source_key":"a2","title":"乙成果","disciplines":"不知道的学科","relations":[{"type":"part-of","scheme":"record","value":"key:a1"}]}`)},
		{Dataset: catalog.Organizations, Files: file("o.jsonl", `{"title":"甲研究院"}`)},
	}, Options{Publisher: publisher, Sample: true})
	must(t, err)
	return d
}

func TestOneOwnBundleChangesNothing(t *testing.T) {
	release, b := bundleOf(t, published(t, "p"))
	d := catalog.NewDraft(release, now.Add(time.Hour))
	r := importInto(t, d, inputOf("a.luoshu", b), Options{})
	if r.Totals.Unchanged != 4 || !d.Empty() {
		t.Errorf("totals %+v\n%s", r.Totals, lines(r))
	}
	for _, c := range r.Columns {
		if c.Use != Mapped {
			t.Errorf("column %s is %s", c.Name, c.Use)
		}
	}
	// In a catalog that is new the records are who they were.
	fresh := catalog.NewDraft(nil, now)
	importInto(t, fresh, inputOf("a.luoshu", b), Options{})
	p, err := fresh.Build(t.Context(), catalog.BuildOptions{})
	must(t, err)
	for i, e := range p.Release.Entries {
		if string(e.Raw) != string(release.Entries[i].Raw) {
			t.Errorf("is\n%s\nwas\n%s", e.Raw, release.Entries[i].Raw)
		}
	}
	if len(p.Release.Entries) != 4 {
		t.Errorf("%d entries", len(p.Release.Entries))
	}
}

func TestABundleOfAnotherPublisher(t *testing.T) {
	release, b := bundleOf(t, published(t, "elsewhere"))
	d := catalog.NewDraft(nil, now)
	r := importInto(t, d, inputOf("a.luoshu", b), Options{})
	if r.Totals.Published != 4 || len(r.Notes) != 1 || r.Notes[0].Rule != "bundle" {
		t.Errorf("totals %+v, notes %+v\n%s", r.Totals, r.Notes, lines(r))
	}
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	must(t, err)
	for _, e := range p.Release.Entries {
		if _, same := release.Find(e.ID); same || e.Publisher() != "p" {
			t.Errorf("%s of %s", e.ID, e.Publisher())
		}
		if rec, _ := catalog.Decode(e.Dataset, e.Raw); !rec.Head().Sample {
			t.Errorf("%s is no longer marked as invented", e.ID)
		}
	}
	first := record[*catalog.Achievement](t, d, "甲成果")
	if pack := record[*catalog.Package](t, d, "第一期"); len(pack.Items) != 2 || !strings.Contains(string(pack.Items[0])+string(pack.Items[1]), string(first.ID)) {
		t.Errorf("items %v, want %s among them", pack.Items, first.ID)
	}
	if rel := record[*catalog.Achievement](t, d, "乙成果").Relations; len(rel) != 1 || rel[0].Value != string(first.ID) {
		t.Errorf("relations %+v, want %s", rel, first.ID)
	}
	if o := record[*catalog.Organization](t, d, "甲研究院"); first.Organizations[0].ID != o.ID {
		t.Errorf("organization %+v, want %s", first.Organizations[0], o.ID)
	}
	// The same bundle again finds the same records.
	again := catalog.NewDraft(p.Release, now.Add(time.Hour))
	if r := importInto(t, again, inputOf("a.luoshu", b), Options{}); r.Totals.Unchanged != 4 {
		t.Errorf("again: %+v", r.Totals)
	}
}

func TestAnIdentifierSomebodyElseHas(t *testing.T) {
	release, b := bundleOf(t, published(t, "p"))
	// The same identifiers under other sources.
	for i := range release.Entries {
		e := &release.Entries[i]
		e.Raw = bytes.Replace(e.Raw, []byte(`"source":"`+e.Source()[:8]), []byte(`"source":"00000000`), 1)
	}
	r := importInto(t, catalog.NewDraft(release, now.Add(time.Hour)), inputOf("a.luoshu", b), Options{})
	if r.Totals.Refused != 4 || r.Rows[0].Rule != "identifier" {
		t.Errorf("totals %+v\n%s", r.Totals, lines(r))
	}
}

func TestDamagedBundles(t *testing.T) {
	_, b := bundleOf(t, published(t, "p"))
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	must(t, err)
	change := func(change func(name string, content []byte) (string, []byte)) []byte {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for _, f := range z.File {
			r, err := f.Open()
			must(t, err)
			content, err := io.ReadAll(r)
			must(t, err)
			name, content := change(f.Name, content)
			part, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
			must(t, err)
			_, err = part.Write(content)
			must(t, err)
		}
		must(t, w.Close())
		return out.Bytes()
	}
	same := change(func(name string, content []byte) (string, []byte) { return name, content })
	if r := importInto(t, catalog.NewDraft(nil, now), inputOf("a.luoshu", same), Options{}); r.Totals.Published != 4 {
		t.Fatalf("totals %+v", r.Totals)
	}
	for name, file := range map[string][]byte{
		"nothing": nil, "text": []byte("title\na\n"), "cut off": b[:len(b)/2],
		"another object": change(func(name string, content []byte) (string, []byte) {
			if strings.HasPrefix(name, "objects/") {
				content = append(content, ' ')
			}
			return name, content
		}),
		"no objects": change(func(name string, content []byte) (string, []byte) {
			return strings.Replace(name, "objects/", "other/", 1), content
		}),
		"another manifest": change(func(name string, content []byte) (string, []byte) {
			if strings.HasPrefix(name, "manifests/") {
				content = bytes.Replace(content, []byte(`"sequence":1`), []byte(`"sequence":2`), 1)
			}
			return name, content
		}),
		"no pointer": change(func(name string, content []byte) (string, []byte) {
			return strings.Replace(name, "pointer", "printer", 1), content
		}),
	} {
		if bytes.Equal(file, same) {
			t.Errorf("%s: nothing was changed", name)
		}
		_, err := Import(t.Context(), catalog.NewDraft(nil, now), inputOf("a.luoshu", file), Options{Dataset: catalog.Achievements, Publisher: "p"})
		if _, ok := errors.AsType[*FileError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCancelledImports: whatever is read when the context ends, the import says
// so, soon, and leaves nothing behind.
func TestCancelledImports(t *testing.T) {
	_, bundle := bundleOf(t, published(t, "p"))
	inputs := map[string][]byte{
		"a.xlsx":   manyTexts(t, 5_000),
		"a.csv":    []byte(rowsOf(5_000)),
		"a.jsonl":  []byte(strings.Repeat(`{"title":"甲"}`+"\n", 5_000)),
		"a.json":   []byte("[" + strings.Repeat(`{"title":"甲"},`, 5_000) + `{}]`),
		"a.luoshu": bundle,
	}
	for name, content := range inputs {
		for _, at := range []string{"before", "while the file is read", "while rows are read"} {
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			opt := Options{Dataset: catalog.Achievements, Publisher: "p", TempDir: dir}
			var in io.Reader = bytes.NewReader(content)
			rows := 0
			switch at {
			case "before":
				cancel()
			case "while the file is read":
				in = io.MultiReader(bytes.NewReader(content[:len(content)/2]), readerFunc(func([]byte) (int, error) { cancel(); return 0, nil }), bytes.NewReader(content[len(content)/2:]))
			default:
				opt.Progress = func(n int) { rows = n; cancel() }
			}
			_, err := Import(ctx, catalog.NewDraft(nil, now), []File{{name, in}}, opt)
			if name == "a.luoshu" && at == "while rows are read" {
				cancel() // it has too few
				continue
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s, %s: %v", name, at, err)
			}
			if rows > readChunk {
				t.Errorf("%s: went on to row %d", name, rows)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%s, %s: left %v", name, at, left)
			}
			cancel()
		}
	}
}

// readerFunc is read once and is then at its end.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) {
	n, _ := f(p)
	return n, io.EOF
}
