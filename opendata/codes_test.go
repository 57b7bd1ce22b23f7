package opendata_test

import (
	"image/png"
	"strconv"
	"strings"
	"testing"

	"luoshu/catalog/qr"
	"luoshu/opendata"
)

// TestCodes: a record's code holds the address of its page, is drawn in whole modules
// within the size asked for, and what is out of bounds is refused.
func TestCodes(t *testing.T) {
	s := demo(t)
	const base = "https://luoshu.example"
	app := serve(t, s, func(c *opendata.Config) { c.BaseURL = base })
	record := s.Current().Release().Entries[0]
	path := "/api/v1/" + string(record.Dataset) + "/" + string(record.ID)
	for query, want := range map[string]struct {
		placement string
		level     qr.Level
	}{
		"": {}, "?level=M": {}, "?level=Q": {level: qr.Print}, "?level=Q&placement=P2": {"P2", qr.Print}, "?placement=K3": {placement: "K3"},
	} {
		payload, err := qr.Payload(base, record.ID, want.placement)
		if err != nil {
			t.Fatal(err)
		}
		code, err := qr.New(payload, want.level)
		if err != nil {
			t.Fatal(err)
		}
		a := get(t, app, path+"/qr.svg"+query)
		if a.status != 200 || a.body != string(code.SVG()) || a.header.Get("Content-Type") != "image/svg+xml" || a.header.Get("ETag") == "" {
			t.Errorf("qr.svg%s: %s", query, a)
		}
		if again := get(t, app, path+"/qr.svg"+query, "If-None-Match", a.header.Get("ETag")); again.status != 304 {
			t.Errorf("qr.svg%s with its tag: %d", query, again.status)
		}
		for _, size := range []int{0, 128, 200, 1024} {
			ask := query
			if size > 0 {
				ask = strings.Replace("?"+strings.TrimPrefix(query, "?")+"&size="+strconv.Itoa(size), "?&", "?", 1)
			}
			a := get(t, app, path+"/qr.png"+ask)
			if size == 0 {
				size = 256
			}
			img, err := png.DecodeConfig(strings.NewReader(a.body))
			if err != nil || img.Width > size || img.Width+code.Size() <= size || img.Width%code.Size() != 0 || a.header.Get("Content-Type") != "image/png" {
				t.Errorf("qr.png%s: %d pixels for %d modules, %v", ask, img.Width, code.Size(), err)
			}
		}
	}
	for query, say := range map[string]string{
		"qr.png?size=127": "from 128 to 1024", "qr.png?size=1025": "from 128 to 1024", "qr.png?size=-1": "from 128", "qr.png?size=0128": "from 128", "qr.png?size=": "from 128",
		"qr.svg?level=H": "M (screens) or Q (print)", "qr.png?level=": "1 to 1", "qr.svg?placement=k3": "capital letter", "qr.svg?placement=K12345": "", "qr.svg?size=200": "unknown parameter",
	} {
		if a := get(t, app, path+"/"+query); a.status != 400 || !strings.Contains(a.body, say) {
			t.Errorf("%s: %s", query, a)
		}
	}
	without := serve(t, s)
	if a := get(t, without, path+"/qr.svg"); a.status != 404 || !strings.Contains(a.body, "no-public-address") {
		t.Errorf("without an address: %s", a)
	}
}
