package bench

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	_ "github.com/pocketbase/pocketbase/migrations" // its own tables

	"luoshu/cache"
	"luoshu/catalog"
)

// BenchmarkListBesidePocketBase asks both for a page of 20 with a filter by stage and
// level and the total, over HTTP on one connection. Luoshu also counts three facets,
// which PocketBase cannot.
func BenchmarkListBesidePocketBase(b *testing.B) {
	const n = 100_000
	c := newCorpus(b, n)
	own := serveLuoshu(b, c)
	peer, database := servePocketBase(b, c)
	stages := []string{"early", "pilot", "mature"}
	totals := map[int]string{}
	var ours time.Duration
	b.Run("luoshu", func(b *testing.B) {
		ours, _ = quantiles(b, 15, func(i int) {
			body := fetch(b, own+fmt.Sprintf("/api/v1/achievements?stage=%s&trl.gte=%d&facets=stage,division,tech_fields&limit=20", stages[i%3], 1+i%5))
			_, rest, _ := strings.Cut(body, `"total":`)
			totals[i], _, _ = strings.Cut(rest, ",")
		})
	})
	list := func(b *testing.B) {
		p50, _ := quantiles(b, 15, func(i int) {
			filter := url.QueryEscape(fmt.Sprintf("stage='%s' && trl>=%d", stages[i%3], 1+i%5))
			body := fetch(b, peer+"/api/collections/achievements/records?perPage=20&filter="+filter)
			_, rest, _ := strings.Cut(body, `"totalItems":`)
			total, _, _ := strings.Cut(rest, ",")
			if totals[i] != "" && total != totals[i] {
				b.Fatalf("pocketbase finds %s, luoshu %s", total, totals[i])
			}
		})
		timesOurs(b, p50, ours)
	}
	b.Run("pocketbase", list)
	if _, err := database.NewQuery("CREATE INDEX stage_trl ON achievements (stage, trl)").Execute(); err != nil {
		b.Fatal(err)
	}
	b.Run("pocketbase-indexed-for-this-filter", list)
}

var client = &http.Client{Timeout: time.Minute}

func fetch(b *testing.B, address string) string {
	b.Helper()
	res, err := client.Get(address)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.Fatalf("%s answers %d %v: %s", address, res.StatusCode, err, body)
	}
	return string(body)
}

// serveLuoshu runs the program itself.
func serveLuoshu(b *testing.B, c *corpus) string {
	b.Helper()
	dir := b.TempDir()
	binary := filepath.Join(dir, "luoshu")
	if out, err := exec.Command("go", "build", "-C", "..", "-o", binary, "./cmd/luoshu").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	store, err := cache.OpenDirectory(filepath.Join(dir, "store"))
	if err != nil {
		b.Fatal(err)
	}
	if err := store.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	publication, err := republished(b, c)
	if err != nil {
		b.Fatal(err)
	}
	if err := cache.Publish(b.Context(), store, publication, nil, nil); err != nil {
		b.Fatal(err)
	}
	address := freeAddress(b)
	cmd := exec.Command(binary, "serve", "--source", store.String(), "--data-dir", filepath.Join(dir, "data"), "--addr", address, "--log-level", "error")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	base := "http://" + address
	for range 1200 {
		if res, err := client.Get(base + "/readyz"); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return base
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.Fatal("luoshu does not come up")
	return ""
}

// republished makes the corpus a publication again.
func republished(b *testing.B, c *corpus) (*catalog.Publication, error) {
	b.Helper()
	d := catalog.NewDraft(nil, c.release.Manifest.PublishedAt)
	for _, e := range c.release.Entries {
		if err := d.Put(e, catalog.Added); err != nil {
			return nil, err
		}
	}
	return d.Build(b.Context(), catalog.BuildOptions{Sample: true})
}

func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// servePocketBase runs PocketBase in this process over the same records.
func servePocketBase(b *testing.B, c *corpus) (string, dbx.Builder) {
	b.Helper()
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: b.TempDir()})
	if err := app.Bootstrap(); err != nil {
		b.Fatal(err)
	}
	if err := app.RunAllMigrations(); err != nil {
		b.Fatal(err)
	}
	achievements := core.NewBaseCollection("achievements")
	everybody := ""
	achievements.ListRule, achievements.ViewRule = &everybody, &everybody
	achievements.Fields.Add(
		&core.TextField{Name: "title"}, &core.TextField{Name: "abstract", Max: 10_000}, &core.TextField{Name: "stage"},
		&core.TextField{Name: "division"}, &core.TextField{Name: "tech_field"}, &core.NumberField{Name: "trl"},
	)
	if err := app.Save(achievements); err != nil {
		b.Fatal(err)
	}
	err := app.RunInTransaction(func(tx core.App) error {
		for i, r := range c.records {
			field := ""
			if len(r.TechFields) > 0 {
				field = r.TechFields[0]
			}
			_, err := tx.DB().Insert("achievements", dbx.Params{
				"id": fmt.Sprintf("r%014d", i), "title": r.Title, "abstract": r.Abstract, "stage": r.Stage,
				"division": r.Division, "tech_field": field, "trl": r.TRL,
			}).Execute()
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	router, err := apis.NewRouter(app)
	if err != nil {
		b.Fatal(err)
	}
	mux, err := router.BuildMux()
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(mux)
	b.Cleanup(func() {
		server.Close()
		_ = app.ResetBootstrapState()
	})
	return server.URL, app.DB()
}
