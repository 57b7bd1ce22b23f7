package kiosk

import (
	"strings"
	"testing"

	"luoshu/catalog"
)

// TestHappenings: where an event or a notice stands in a month, on the day the release
// describes.
func TestHappenings(t *testing.T) {
	const asOf = "2026-11-20"
	for _, test := range []struct {
		dataset         catalog.Dataset
		from, to, month string
		date, key       string
		part            int
	}{
		{catalog.Events, "2026-11-24", "2026-11-24", "2026-11", "2026-11-24", "", ahead},
		{catalog.Events, "2026-11-20", "2026-11-20", "2026-11", "2026-11-20", "", ahead},
		{catalog.Events, "2026-11-18", "2026-11-20", "2026-11", "2026-11-18", "", running},
		{catalog.Events, "2026-11-18", "2026-11-19", "2026-11", "2026-11-18", "", behind},
		{catalog.Events, "2026-10-30", "2026-11-25", "2026-11", "2026-11-25", "agenda.ends", ahead},
		{catalog.Events, "2026-10-30", "2026-12-25", "2026-11", "", "agenda.throughout", running},
		{catalog.Events, "2026-10-30", "2026-12-25", "2026-12", "2026-12-25", "agenda.ends", ahead},
		{catalog.Events, "2026-11", "2026-11", "2026-11", "", "agenda.undated", running},
		{catalog.Events, "2026-03-19", "2026-03-19", "2026-03", "2026-03-19", "", ahead}, // one part alone
		{catalog.Notices, "2026-11-02", "2026-11-27", "2026-11", "2026-11-27", "agenda.closes", ahead},
		{catalog.Notices, "2026-11-30", "2026-12-25", "2026-11", "2026-11-30", "agenda.opens", ahead},
		{catalog.Notices, "2026-11-16", "2026-12-11", "2026-11", "2026-11-16", "agenda.opens", running},
	} {
		h := happening{entry: catalog.Entry{Dataset: test.dataset}, from: test.from, to: test.to}
		h.first, _ = monthOf(test.from)
		h.last, _ = monthOf(test.to)
		m, ok := monthOf(test.month)
		if date, key := h.in(m); !ok || date != test.date || key != test.key {
			t.Errorf("%s to %s stands in %s on %q as %q, want %q as %q", test.from, test.to, test.month, date, key, test.date, test.key)
		}
		if part := h.part(m, asOf); part != test.part {
			t.Errorf("%s to %s is part %d of %s, want %d", test.from, test.to, part, test.month, test.part)
		}
	}
	for _, s := range []string{"", "2026", "2026-13", "2026-1", "junk-junk"} {
		if m, ok := monthOf(s); ok {
			t.Errorf("%q is %v", s, m)
		}
	}
}

// TestAgenda turns through all months of the demonstration: every event and notice stands
// in those it has a day in, and leads back to where it was found.
func TestAgenda(t *testing.T) {
	open := demoSite(t)
	seen := map[string]bool{}
	for _, rel := range []string{"prev", "next"} {
		for url := agendaPath; url != ""; {
			root := open(url)
			for page := root; page != nil; {
				for _, li := range page.classed("days") {
					for _, a := range li.all("a") {
						path, query, _ := strings.Cut(a.attrs["href"], "?")
						if !seen[path] {
							seen[path] = true
							back := open(path + "?" + query).classed("to-back")[0].all("a")[0].attrs["href"]
							if !strings.HasPrefix(back, agendaPath+"?month=20") {
								t.Errorf("%s leads back to %s", path, back)
							}
						}
					}
				}
				next := ""
				for _, a := range page.classed("pager") {
					for _, a := range a.all("a") {
						if strings.HasPrefix(a.attrs["rel"], "next") {
							next = a.attrs["href"]
						}
					}
				}
				if page = nil; next != "" {
					page = open(next)
				}
			}
			url = ""
			for _, a := range root.classed("months")[0].all("a") {
				if a.attrs["rel"] == rel {
					url = a.attrs["href"]
				}
			}
		}
	}
	if want := demoSnapshot().Count(catalog.Events) + demoSnapshot().Count(catalog.Notices); len(seen) != want {
		t.Errorf("%d of %d stand in a month", len(seen), want)
	}
	for url, want := range map[string]string{
		agendaPath:                        "2026年11月",
		agendaPath + "?month=2026-12":     "2026年12月",
		agendaPath + "?lang=en":           "November 2026",
		agendaPath + "?month=junk&show=x": "2026年11月",
		agendaPath + "?month=9999-12":     "2027年1月", // the last
	} {
		if got := open(url).classed("months")[0].all("h2")[0].read(); got != want {
			t.Errorf("%s shows %s, want %s", url, got, want)
		}
	}
}
