package opendata

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"luoshu/catalog"
)

// What a node measures of its own answers. It is of this process and this moment, so
// none of it may share an ETag with what is of a release.

// Durations are counted in buckets of four to the octave, from a microsecond to 17
// seconds, with one below and one above: a bucket's end is at most a quarter above
// anything in it.
const (
	firstOctave = 10 // 2^10 ns
	octaves     = 24
	steps       = 4
	buckets     = 1 + octaves*steps + 1
)

// meter counts the answers of one class. The zero value is ready; it is safe for
// concurrent use and never waits.
type meter struct {
	durations [buckets]atomic.Uint64
	statuses  [6]atomic.Uint64 // by the first digit
}

func (m *meter) observe(took time.Duration, status int) {
	m.durations[bucket(took)].Add(1)
	m.statuses[min(max(status/100, 0), 5)].Add(1)
}

// counts returns the durations counted so far, by bucket.
func (m *meter) counts() (all [buckets]uint64) {
	for i := range all {
		all[i] = m.durations[i].Load()
	}
	return all
}

// bucket returns the number of the bucket that d falls into.
func bucket(d time.Duration) int {
	n := uint64(max(d, 0))
	octave := bits.Len64(n) - 1 - firstOctave
	switch {
	case octave < 0:
		return 0
	case octave >= octaves:
		return buckets - 1
	}
	return 1 + octave*steps + int(n>>(octave+firstOctave-2)&(steps-1))
}

// bucketEnd returns the duration that everything in bucket i is below; the last one has
// none and gives where it begins.
func bucketEnd(i int) time.Duration {
	i = min(i, buckets-2)
	octave, step := i/steps, i%steps
	return time.Duration(1<<firstOctave<<octave) * time.Duration(steps+step) / steps
}

// quantile returns how long the q-th part of the counted answers took at most, to within
// a bucket; 0 when there are none.
func quantile(counts *[buckets]uint64, q float64) time.Duration {
	total := uint64(0)
	for _, n := range counts {
		total += n
	}
	rank := uint64(math.Ceil(q * float64(total)))
	seen := uint64(0)
	for i, n := range counts {
		if seen += n; n > 0 && seen >= rank {
			return bucketEnd(i)
		}
	}
	return 0
}

// serviceClasses tell operations apart by what they cost. An operation is of the first
// class that takes it.
var serviceClasses = [...]struct {
	name  string
	label catalog.Text
	takes func(path string, op *Operation) bool
}{
	{
		"record",
		catalog.Text{ZH: "一条记录", EN: "One record"},
		func(path string, _ *Operation) bool { return path == root+"/{dataset}/{id}" },
	},
	{
		"list",
		catalog.Text{ZH: "列表与检索", EN: "Lists and searches"},
		func(_ string, op *Operation) bool { return op.Filters },
	},
	{
		"suggest",
		catalog.Text{ZH: "输入建议", EN: "Suggestions"},
		func(path string, _ *Operation) bool { return path == root+"/suggest" },
	},
	{
		"related",
		catalog.Text{ZH: "关联与匹配", EN: "Relations and matches"},
		func(path string, _ *Operation) bool {
			return path == root+"/{dataset}/{id}/relations" || path == root+"/{dataset}/{id}/matches"
		},
	},
	{
		"download",
		catalog.Text{ZH: "文件（到开始发送为止）", EN: "Files, until they begin to be sent"},
		func(_ string, op *Operation) bool { return op.file || op.Produces == typeZstd },
	},
	{
		"document",
		catalog.Text{ZH: "其余：代码表、发布、收割", EN: "Anything else: code lists, releases, harvesting"},
		func(string, *Operation) bool { return true },
	},
}

// service holds what a node measures since it began.
type service struct {
	since  time.Time
	meters []meter // by class
}

func newService() *service {
	return &service{since: time.Now(), meters: make([]meter, len(serviceClasses))}
}

// of returns the meter of an operation.
func (s *service) of(op *Operation) *meter {
	for i := range serviceClasses {
		if serviceClasses[i].takes(op.Path, op) {
			return &s.meters[i]
		}
	}
	panic("opendata: the last class takes everything")
}

// serviceReport is the data of /api/v1/quality/service.
type serviceReport struct {
	// Since is when this process began to count.
	Since   time.Time      `json:"since"`
	Seconds int64          `json:"seconds"`
	Classes []serviceClass `json:"classes"`
}

// serviceClass tells of the answers of one class. Times are in microseconds, from the
// request's arrival to the finished answer, without the network; each is the end of a
// bucket and at most a quarter too long.
type serviceClass struct {
	Class    string       `json:"class"`
	Label    catalog.Text `json:"label"`
	Answers  int64        `json:"answers"`
	Statuses statusCounts `json:"statuses"`
	P50      int64        `json:"p50_us,omitzero"`
	P95      int64        `json:"p95_us,omitzero"`
	P99      int64        `json:"p99_us,omitzero"`
}

type statusCounts struct {
	Success      int64 `json:"2xx"`
	NotModified  int64 `json:"3xx"`
	ClientFaults int64 `json:"4xx"`
	ServerFaults int64 `json:"5xx"`
}

func (s *service) report(now time.Time) serviceReport {
	r := serviceReport{Since: s.since.UTC().Truncate(time.Second), Seconds: int64(now.Sub(s.since).Seconds())}
	for i := range serviceClasses {
		m := &s.meters[i]
		counts := m.counts()
		status := func(digit int) int64 { return int64(m.statuses[digit].Load()) }
		c := serviceClass{
			Class: serviceClasses[i].name, Label: serviceClasses[i].label,
			Statuses: statusCounts{status(2), status(3), status(4), status(5)},
			P50:      quantile(&counts, .50).Microseconds(), P95: quantile(&counts, .95).Microseconds(), P99: quantile(&counts, .99).Microseconds(),
		}
		c.Answers = c.Statuses.Success + c.Statuses.NotModified + c.Statuses.ClientFaults + c.Statuses.ServerFaults
		r.Classes = append(r.Classes, c)
	}
	return r
}

// serviceNow answers /api/v1/quality/service, which is of this node and this moment.
func (h *Handler) serviceNow(r *request) error {
	data, err := catalog.Canonical(h.service.report(time.Now()))
	if err != nil {
		return err
	}
	hd := &r.ctx.Response.Header
	setShared(hd)
	hd.Set(fasthttp.HeaderCacheControl, cacheNever)
	hd.SetCanonical(headerRelease, r.edition.sequence)
	r.sendRaw(r.edition.envelope([]byte(servicePath), data, -1, link{"quality", qualityPath}))
	return nil
}
