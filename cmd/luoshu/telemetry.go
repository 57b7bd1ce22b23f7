package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/gofiber/fiber/v2"

	"luoshu/cache"
)

// telemetry counts what a node answers and tells how it is, in the text format of
// Prometheus, version 0.0.4.
type telemetry struct {
	near    *cache.Near
	fleet   *dispatcher
	set     *metrics.Set
	answers map[string]*[6]*metrics.Counter // by surface, then by the first digit of the status
	took    map[string]*metrics.PrometheusHistogram
}

// surfaces are told apart by how their paths begin; pages are what is left.
var surfaces = []struct{ name, prefix string }{
	{"api", "/api/"},
	{"landing", "/q/"},
	{"print", "/print/"},
	{"static", "/static/"},
	{"health", "/livez"},
	{"health", "/readyz"},
	{"health", "/statusz"},
	{"pages", "/"},
}

// tookBuckets are where a time is counted, in seconds.
var tookBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}

func newTelemetry(near *cache.Near, fleet *dispatcher) *telemetry {
	t := &telemetry{near: near, fleet: fleet, set: metrics.NewSet(), answers: map[string]*[6]*metrics.Counter{}, took: map[string]*metrics.PrometheusHistogram{}}
	for _, s := range surfaces {
		if t.answers[s.name] != nil {
			continue
		}
		all := new([6]*metrics.Counter)
		for digit := 2; digit < len(all); digit++ {
			all[digit] = t.set.NewCounter(`luoshu_http_responses_total{surface="` + s.name + `",status="` + string(rune('0'+digit)) + `xx"}`)
		}
		t.answers[s.name] = all
		t.took[s.name] = t.set.NewPrometheusHistogramExt(`luoshu_http_response_seconds{surface="`+s.name+`"}`, tookBuckets)
	}
	return t
}

func surfaceOf(path string) string {
	for _, s := range surfaces {
		if strings.HasPrefix(path, s.prefix) {
			return s.name
		}
	}
	return "pages"
}

// count is what every request passes where there is an admin listener. The time is that
// of making the answer, not of sending it.
func (t *telemetry) count(c *fiber.Ctx) error {
	start := time.Now()
	err := c.Next()
	if err != nil {
		// The error becomes an answer here, so that its status is counted.
		if err = c.App().ErrorHandler(c, err); err != nil {
			_ = c.SendStatus(fiber.StatusInternalServerError)
		}
	}
	surface := surfaceOf(c.Path())
	t.answers[surface][min(max(c.Response().StatusCode()/100, 2), 5)].Inc()
	t.took[surface].Update(time.Since(start).Seconds())
	return nil
}

// serve answers /metrics.
func (t *telemetry) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	v := readVersion()
	metrics.WriteGaugeUint64(w, `luoshu_build_info{version="`+v.Version+`",revision="`+v.Revision+`",go="`+v.Go+`"}`, 1)
	s := t.near.Status()
	metrics.WriteGaugeUint64(w, "luoshu_release_sequence", uint64(max(s.Release, 0)))
	records := 0
	if current := t.near.Current(); current != nil {
		records = current.Len()
		metrics.WriteGaugeFloat64(w, "luoshu_release_published_timestamp_seconds", float64(s.PublishedAt.Unix()))
		metrics.WriteGaugeFloat64(w, "luoshu_release_loaded_timestamp_seconds", float64(s.LoadedAt.Unix()))
	}
	metrics.WriteGaugeUint64(w, "luoshu_release_records", uint64(records))
	metrics.WriteGaugeUint64(w, "luoshu_release_persisted", digit(s.Persisted))
	metrics.WriteGaugeUint64(w, "luoshu_source_reachable", digit(s.Reachable))
	metrics.WriteGaugeUint64(w, "luoshu_source_problem", digit(s.Problem != ""))
	t.fleet.metrics(r.Context(), w)
	t.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}

func digit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
