package cache

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"luoshu/catalog"
)

func newBundle(t testing.TB, all ...*catalog.Publication) *Bundle {
	t.Helper()
	b, err := OpenBundle(filepath.Join(t.TempDir(), "market.luoshu"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	publish(t, b, all...)
	return b
}

func TestBundleIsReproducible(t *testing.T) {
	all := series(t, aName, 3)
	step := newBundle(t, all...)
	m := NewMemory("memory")
	publish(t, m, all...)
	once := newBundle(t)
	if _, err := Copy(context.Background(), m, once, 0, nil); err != nil {
		t.Fatal(err)
	}
	a, err := os.ReadFile(step.path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(once.path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("the same releases make different bundles")
	}
	// Nothing to do leaves the file alone.
	before, err := os.Stat(once.path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Copy(context.Background(), m, once, 0, nil); err != nil {
		t.Fatal(err)
	}
	publish(t, once, all[2])
	if _, err := Collect(context.Background(), once, 0); err != nil {
		t.Fatal(err)
	}
	if now, err := os.Stat(once.path); err != nil || !os.SameFile(before, now) {
		t.Errorf("the bundle was written anew for nothing, %v", err)
	}
}

// TestBundleByHand follows the README of a bundle with the tools it names.
func TestBundleByHand(t *testing.T) {
	for _, tool := range []string{"sh", "unzip", "sha256sum", "zstd", "minisign"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	all, signer := series(t, aName, 2), newSigner(t)
	b := newBundle(t)
	publishSigned(t, b, signer, all...)
	check := func() string {
		t.Helper()
		var script []string
		for l := range strings.Lines(string(readme)) {
			command, ok := strings.CutPrefix(l, "  ")
			if tool, _, _ := strings.Cut(command, " "); ok && slices.Contains([]string{"unzip", "sha256sum", "minisign"}, tool) {
				script = append(script, strings.NewReplacer("NAME.luoshu", b.path, "-V", "-Vq", "PUBLIC_KEY", signer.Key().String(),
					"HASH", string(all[1].Release.Hash)).Replace(strings.TrimSpace(command)+" || echo "+tool+" refuses"))
			}
		}
		cmd := exec.Command("sh", "-e", "-c", strings.Join(script, "\n"))
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s\n%s", err, out, strings.Join(script, "\n"))
		}
		count := exec.Command("sh", "-c", "zstd -dcq bundle/objects/*/*.zst | wc -l")
		count.Dir = cmd.Dir
		if n, err := count.CombinedOutput(); err != nil || strings.TrimSpace(string(n)) != strconv.Itoa(100+extra(t, b)) {
			t.Errorf("zstd gives %s records, %v", n, err)
		}
		return string(out)
	}
	if out := check(); out != "" {
		t.Errorf("the check of a sound bundle says %s", out)
	}
	content := unzipped(t, b.path)
	for name := range content {
		if strings.HasSuffix(name, manifestSuffix) && name != bundlePointer {
			content[name] = append(content[name], ' ')
		}
	}
	rezip(t, b.path, content, zip.Store)
	if out := check(); strings.Count(out, "manifests/") != 2 || !strings.Contains(out, "minisign refuses") {
		t.Errorf("the check of two damaged manifests says %q", out)
	}
}

// extra counts the records of the objects that only older releases name.
func extra(t *testing.T, b *Bundle) int {
	t.Helper()
	objects := map[catalog.Hash]int{}
	for name, raw := range unzipped(t, b.path) {
		if !strings.HasPrefix(name, manifestsDir) || !strings.HasSuffix(name, manifestSuffix) {
			continue
		}
		m, err := catalog.ParseManifest(bytes.TrimSpace(raw), hashIn(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range m.Objects {
			objects[ref.Hash] = ref.Records
		}
	}
	total := 0
	for _, n := range objects {
		total += n
	}
	return total - 100
}

func TestBundleRefusesHostileFiles(t *testing.T) {
	ctx := context.Background()
	pub := first100(t, aName)
	sound := unzipped(t, newBundle(t, pub).path)
	object := objectName(pub.Objects[0].Ref.Hash)
	whole := func() []byte {
		b, err := os.ReadFile(newBundle(t, pub).path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	with := func(name string, raw []byte) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			content := maps.Clone(sound)
			content[name] = raw
			rezip(t, path, content, zip.Store)
		}
	}
	bytesOf := func(change func(b []byte) []byte) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, change(whole()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, write := range map[string]func(t *testing.T, path string){
		"empty":                bytesOf(func([]byte) []byte { return nil }),
		"no zip":               bytesOf(func([]byte) []byte { return bytes.Repeat([]byte("luoshu"), 100) }),
		"cut":                  bytesOf(func(b []byte) []byte { return b[:len(b)/2] }),
		"comment":              bytesOf(func(b []byte) []byte { b[len(b)-2] = 1; return append(b, 'x') }),
		"more entries claimed": bytesOf(func(b []byte) []byte { b[len(b)-12]++; b[len(b)-14]++; return b }),
		"way more claimed": bytesOf(func(b []byte) []byte {
			// A ZIP64 end record that claims 2^40 entries.
			end64 := make([]byte, 56)
			copy(end64, "PK\x06\x06")
			binary.LittleEndian.PutUint64(end64[24:], 1<<40)
			binary.LittleEndian.PutUint64(end64[32:], 1<<40)
			locator := make([]byte, 20)
			copy(locator, "PK\x06\x07")
			binary.LittleEndian.PutUint64(locator[8:], uint64(len(b)-22))
			end := bytes.Clone(b[len(b)-22:])
			binary.LittleEndian.PutUint16(end[10:], 0xffff)
			return append(append(append(b[:len(b)-22], end64...), locator...), end...)
		}),
		"path upwards":     with("../evil", nil),
		"path upwards 2":   with("objects/../../evil.jsonl.zst", nil),
		"absolute":         with("/etc/passwd", nil),
		"unknown":          with("autorun.inf", nil),
		"wrong folder":     with("objects/00/"+string(pub.Objects[0].Ref.Hash)+objectSuffix, nil),
		"upper case":       with("manifests/"+strings.ToUpper(string(pub.Release.Hash))+manifestSuffix, nil),
		"a folder":         with("objects/", nil),
		"large pointer":    with(bundlePointer, make([]byte, maxPointerBytes+1)),
		"large signature":  with(manifestName(pub.Release.Hash, signatureSuffix), make([]byte, catalog.MaxSignatureBytes+1)),
		"compressed":       func(t *testing.T, path string) { rezip(t, path, sound, zip.Deflate) },
		"the same twice":   func(t *testing.T, path string) { twice(t, path, object, 0) },
		"one inside other": func(t *testing.T, path string) { twice(t, path, manifestName(pub.Release.Hash, manifestSuffix), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "hostile.luoshu")
			write(t, path)
			b, err := OpenBundle(path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = b.Close() }()
			_, err = b.Current(ctx)
			wantError(t, "Current", err, catalog.ErrDamaged)
			_, err = b.Object(ctx, pub.Objects[0].Ref.Hash)
			wantError(t, "Object", err, catalog.ErrDamaged)
			// What makes the reader of ZIP files take memory is refused before it begins.
			if name == "way more claimed" && (err == nil || !strings.Contains(err.Error(), "1099511627776 entries")) {
				t.Errorf("Object = %v", err)
			}
			wantError(t, "Publish over it", Publish(ctx, b, pub, nil, nil), catalog.ErrDamaged)
		})
	}
	t.Run("check sum", func(t *testing.T) {
		b := newBundle(t, pub)
		raw := whole()
		at := bytes.Index(raw, []byte(`{"catalog":"`+aName+`","manifest"`))
		raw[at+1] ^= 1
		if err := os.WriteFile(b.path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := b.Current(ctx)
		wantError(t, "Current", err, catalog.ErrDamaged)
	})
}

// twice writes a ZIP with two entries: both named name when inside is 0, else a
// second one, named pointer.json, whose bytes are the first one's.
func twice(t *testing.T, path, name string, inside int) {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	names := []string{name, name}
	if inside == 1 {
		names[1] = bundlePointer
	}
	for _, n := range names {
		if err := sectionOf([]byte("{}")).write(z, n, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	raw := buf.Bytes()
	if inside == 1 {
		// Let the second directory entry point at the first local header.
		second := bytes.LastIndex(raw, []byte("PK\x01\x02"))
		binary.LittleEndian.PutUint32(raw[second+42:], 0)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBundleIsNotThere(t *testing.T) {
	b, err := OpenBundle(filepath.Join(t.TempDir(), "stick", "x.luoshu"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Current(context.Background())
	wantError(t, "Current", err, catalog.ErrUnavailable)
}

// TestBundleLeavesNothing proves that an abandoned publication leaves neither a
// changed bundle nor files beside it.
func TestBundleLeavesNothing(t *testing.T) {
	all := series(t, aName, 2)
	b := newBundle(t, all[0])
	before := unzipped(t, b.path)
	if err := b.Prepare(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := put(context.Background(), b, all[1], nil, nil); err != nil {
		t.Fatal(err)
	}
	wantCurrent(t, b, all[0].Release.Pointer())
	_ = b.Close()
	if now := unzipped(t, b.path); len(now) != len(before) {
		t.Errorf("%d entries, want %d", len(now), len(before))
	}
	entries, err := os.ReadDir(filepath.Dir(b.path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(b.path) && !strings.HasSuffix(e.Name(), lockFile) {
			t.Errorf("%s was left", e.Name())
		}
	}
}

func FuzzBundle(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed.luoshu")
	b, err := OpenBundle(path)
	if err != nil {
		f.Fatal(err)
	}
	publish(f, b, firstRelease(f, aName, 1))
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		index, err := readSections(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			wantError(t, "readSections", err, catalog.ErrDamaged)
			return
		}
		total := int64(0)
		for name, s := range index {
			limit, ok := entryLimit(name)
			if !ok || s.size > limit || s.offset < 0 || s.offset+s.size > int64(len(raw)) {
				t.Errorf("entry %q of %d bytes at %d in %d", name, s.size, s.offset, len(raw))
			}
			total += s.size
			if b, err := s.read(bytes.NewReader(raw)); err == nil && int64(len(b)) != s.size {
				t.Errorf("entry %q gives %d bytes, not %d", name, len(b), s.size)
			}
		}
		if total > int64(len(raw)) {
			t.Errorf("%d bytes out of %d", total, len(raw))
		}
	})
}
