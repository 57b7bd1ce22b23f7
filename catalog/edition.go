package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

// maxPrinting is the greatest number of an edition that fits a placement.
const maxPrinting = 9999

// Placement is how the codes of the edition end, such as P3.
func (p *Printing) Placement() string { return "P" + strconv.Itoa(p.Number) }

// Stands reports whether items, in this order, still are what the edition holds.
// version returns that of a record.
func (e *Edition) Stands(items []Ref, version func(ID) int) bool {
	if e.Printing == nil || !slices.Equal(e.Items, items) {
		return false
	}
	for i, id := range items {
		if version(id) != e.PrintedVersions[i] {
			return false
		}
	}
	return true
}

// Version returns how often the record was published with another content, from 1.
func (e Entry) Version() int {
	n, _ := strconv.Atoi(string(member(e.Raw, "version")))
	return n
}

// edition returns the printed edition that e is, or nil.
func (e Entry) edition() (*Edition, error) {
	if e.Dataset != Catalogs || member(e.Raw, "printing") == nil {
		return nil, nil
	}
	var edition Edition
	if err := json.Unmarshal(e.Raw, &edition); err != nil {
		return nil, fmt.Errorf("catalog: %s: %w: %w", e.ID, ErrDamaged, err)
	}
	if p := edition.Printing; p.Number < 1 || len(edition.PrintedVersions) != len(edition.Items) {
		return nil, fmt.Errorf("catalog: %s: versions and items differ: %w", e.ID, ErrDamaged)
	}
	return &edition, nil
}

// PrintedEdition returns the newest edition of package id among entries, nil without one.
func PrintedEdition(entries []Entry, id ID) (*Edition, error) {
	var newest *Edition
	for _, e := range entries {
		edition, err := e.edition()
		if err != nil {
			return nil, err
		}
		if edition != nil && edition.Printing.Package == id && (newest == nil || edition.Printing.Number > newest.Printing.Number) {
			newest = edition
		}
	}
	return newest, nil
}

// Print records that package id goes to print as the release will hold it: an edition of
// its own number, with its living items in their order. When the last edition of the
// package still stands, that is the answer and nothing is recorded. The error wraps
// ErrNotFound where the release has no such package, and ErrInvalid where it has nothing
// to print.
func (d *Draft) Print(publisher string, id ID) (*Edition, Change, error) {
	e, ok := d.entry(id)
	if !ok || e.Dataset != Packages {
		return nil, Unchanged, NewTextError(ErrNotFound, Text{ZH: "%s 不是目录中的成果包", EN: "%s is no package of the catalog"}, id)
	}
	var pack Package
	if err := json.Unmarshal(e.Raw, &pack); err != nil {
		return nil, Unchanged, fmt.Errorf("catalog: %s: %w: %w", id, ErrDamaged, err)
	}
	items := slices.DeleteFunc(slices.Clone(pack.Items), func(item Ref) bool { return !d.Has(item) })
	if len(items) == 0 {
		return nil, Unchanged, NewTextError(ErrInvalid, Text{ZH: "成果包 %s 没有可印的条目", EN: "package %s has no item to print"}, id)
	}
	version := func(id ID) int {
		e, _ := d.entry(id)
		return e.Version()
	}
	var editions []Entry
	number, printings := 1, 1
	for _, e := range d.editions() {
		edition, err := e.edition()
		if err != nil {
			return nil, Unchanged, err
		}
		if edition == nil {
			continue
		}
		editions = append(editions, e)
		number = max(number, edition.Printing.Number+1)
		if edition.Printing.Package == id {
			printings++
		}
	}
	if last, err := PrintedEdition(editions, id); err != nil || last != nil && last.Stands(items, version) {
		return last, Unchanged, err
	}
	edition := &Edition{Edition: fmt.Sprintf("第%d次印刷", printings), IssuedOn: Date(d.now.Format(time.DateOnly)), Items: items}
	edition.Title, edition.TitleEN, edition.Sample = pack.Title, pack.TitleEN, pack.Sample
	edition.Division, edition.Market, edition.Dataset, edition.Publisher = pack.Division, pack.Market, Catalogs, publisher
	if name := d.profile.Publisher.ZH; name != "" {
		edition.Organizations = []Party{{Name: name}}
	}
	// A withdrawn edition keeps its number: it stands on paper.
	for {
		var err error
		key := fmt.Sprintf("printing %d", number)
		if edition.ID, edition.Source, err = d.Identify(Catalogs, publisher, key); err != nil {
			return nil, Unchanged, err
		}
		if _, gone := d.Tombstone(edition.ID); !gone {
			break
		}
		number++
	}
	if number > maxPrinting {
		return nil, Unchanged, NewTextError(ErrInvalid, Text{ZH: "印次编号已用完（最多 %d）", EN: "the numbers of editions are used up (at most %d)"}, maxPrinting)
	}
	edition.Printing = &Printing{Number: number, Package: id, Release: d.sequence()}
	edition.SourceIDs = []string{edition.Printing.Placement()} // by which a scan finds it
	for _, item := range items {
		edition.PrintedVersions = append(edition.PrintedVersions, version(item))
	}
	made, change, err := d.Encode(edition)
	if err == nil {
		err = d.Put(made, change)
	}
	return edition, change, err
}

// sequence is that of the release the draft becomes.
func (d *Draft) sequence() int64 {
	if d.base == nil {
		return 1
	}
	return d.base.Manifest.Sequence + 1
}

// entry returns a record as the release will hold it.
func (d *Draft) entry(id ID) (Entry, bool) {
	if !d.Has(id) {
		return Entry{}, false
	}
	if e, ok := d.put[id]; ok {
		return e, true
	}
	return d.published(id)
}

// editions returns the catalogs the release will hold.
func (d *Draft) editions() []Entry {
	var all []Entry
	if d.base != nil {
		for _, e := range d.base.Entries {
			if e.Dataset == Catalogs {
				if e, ok := d.entry(e.ID); ok {
					all = append(all, e)
				}
			}
		}
	}
	for id, e := range d.put {
		if _, was := d.published(id); !was && e.Dataset == Catalogs {
			all = append(all, e)
		}
	}
	return all
}
