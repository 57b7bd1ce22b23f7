package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"luoshu/cache"
)

// TestDoctor looks at nodes that something is wrong with.
func TestDoctor(t *testing.T) {
	healthy := t.TempDir()
	luoshu(t, healthy, "demo", "--to", "dir:"+filepath.Join(healthy, "releases")).want(t, exitDone)
	damaged := t.TempDir()
	luoshu(t, damaged, "demo", "--to", "dir:"+filepath.Join(damaged, "releases")).want(t, exitDone)
	manifests, err := filepath.Glob(filepath.Join(damaged, "releases", "manifests", "*"))
	if err != nil || len(manifests) == 0 {
		t.Fatal(manifests, err)
	}
	for _, m := range manifests {
		if err := os.Truncate(m, 10); err != nil {
			t.Fatal(err)
		}
	}
	file := write(t, "file", "x")
	redisAddr, _ := redisServer(t)
	luoshu(t, t.TempDir(), "demo", "--to", "redis://"+redisAddr).want(t, exitDone)
	none := func(string) (string, error) { return "", errors.New("not found") }
	tests := []struct {
		name  string
		node  patient
		check string
		state string
		says  string
	}{
		{"all there", patient{dataDir: healthy}, "release", fine, "demo 1"},
		{"its folder", patient{dataDir: healthy}, "data", fine, healthy},
		{"no folder", patient{dataDir: filepath.Join(healthy, "none")}, "data", warn, "--data-dir"},
		{"a file", patient{dataDir: file}, "data", broken, "no directory"},
		{"damaged", patient{dataDir: damaged}, "release", broken, "luoshu sync"},
		{"no release", patient{dataDir: t.TempDir()}, "release", warn, "none yet"},
		{"no source", patient{dataDir: healthy}, "source", warn, "--source"},
		{"dead source", patient{dataDir: healthy, sources: []string{"http://" + freeAddress(t)}}, "source", broken, "refused"},
		{"strange source", patient{dataDir: healthy, sources: []string{"ftp://x"}}, "source", broken, "redis://"},
		{"good source", patient{dataDir: t.TempDir(), sources: []string{"dir:" + filepath.Join(healthy, "releases")}}, "source", fine, "demo 1"},
		{"one of two sources", patient{dataDir: t.TempDir(), sources: []string{"http://" + freeAddress(t), "dir:" + filepath.Join(healthy, "releases")}}, "source", warn, "demo 1"},
		{"Redis", patient{dataDir: t.TempDir(), sources: []string{"redis://" + redisAddr}}, "source", warn, "redis-cli> CONFIG SET appendonly yes"},
		{"nobody trusted", patient{dataDir: healthy, sources: []string{"dir:x"}}, "keys", warn, "luoshu trust add"},
		{"damaged keys", patient{dataDir: healthy, trusted: file}, "keys", broken, "damaged"},
		{"1970", patient{dataDir: healthy, now: func() time.Time { return time.Unix(0, 0) }}, "clock", warn, "timedatectl"},
		{"no server", patient{dataDir: healthy, serveAddr: freeAddress(t)}, "server", warn, "systemctl start luoshu"},
		{"bad panel", patient{dataDir: healthy, panel: "big"}, "panel", broken, "21.5:1080x1920"},
		{"panel of the profile", patient{dataDir: healthy, terminal: "K1"}, "panel", fine, ":"},
		{"unknown terminal", patient{dataDir: healthy, terminal: "Z9"}, "panel", warn, "default"},
		{"no browser", patient{dataDir: healthy, look: none}, "browser", warn, "apt-get install chromium"},
		{"no fonts", patient{dataDir: healthy}, "fonts", warn, "fonts-lxgw-wenkai"},
		{"fonts that print cannot use", patient{dataDir: healthy, fontDirs: []string{"/usr/share/fonts/opentype/noto"}}, "fonts", warn, "none for Chinese that luoshu print could use"},
		{"fonts", patient{dataDir: healthy, fontDirs: []string{"/usr/share/fonts/truetype"}}, "fonts", fine, "LXGW WenKai"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.node
			p.lang = "en"
			if p.now == nil {
				p.now = time.Now
			}
			if p.look == nil {
				p.look = func(name string) (string, error) { return "/usr/bin/" + name, nil }
			}
			if p.serveAddr == "" {
				p.serveAddr = "127.0.0.1:1"
			}
			for _, f := range p.examine(t.Context()) {
				if f.Check == tt.check {
					if f.State != tt.state || !strings.Contains(f.Detail+" "+f.Advice, tt.says) {
						t.Errorf("%+v, want %s with %q", f, tt.state, tt.says)
					}
					return
				}
			}
			t.Errorf("no check %s", tt.check)
		})
	}
	luoshu(t, healthy, "doctor", "--panel", "big").want(t, exitFailed)
	luoshu(t, healthy, "doctor", "--json").want(t, exitDone)
}

// TestHerald: a node counts its starts, and keeps quiet when it is no terminal.
func TestHerald(t *testing.T) {
	dir := t.TempDir()
	nobody := func() *cache.Near { return nil }
	if h, err := new(serveFlags).herald(dir, nobody); h != nil || err != nil {
		t.Errorf("a node without a name speaks: %v", err)
	}
	for want := range int64(3) {
		h, err := (&serveFlags{terminal: "K3"}).herald(dir, nobody)
		if err != nil {
			t.Fatal(err)
		}
		if a, token := h(); a.Restarts != want || a.Terminal != "K3" || token != "" {
			t.Errorf("start %d: %+v %q", want, a, token)
		}
	}
}
