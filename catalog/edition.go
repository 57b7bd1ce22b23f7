package catalog

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Unnumbered is the placement of codes in a print that no edition records.
const Unnumbered = "P0"

// maxPrinting is the greatest number of an edition that fits a placement.
const maxPrinting = 9999

// Placement is how the codes of the edition end, such as P3.
func (p *Printing) Placement() string { return "P" + strconv.Itoa(p.Number) }

// Stands reports whether items, in this order, still are what the edition holds. The error
// wraps ErrDamaged.
func (e *Edition) Stands(items []Entry) (bool, error) {
	if e.Printing == nil || len(items) != len(e.Items) {
		return false, nil
	}
	for i, item := range items {
		if item.ID != e.Items[i] {
			return false, nil
		}
		if changed, told, err := e.Changed(item); err != nil || !told || len(changed) > 0 {
			return false, err
		}
	}
	return true, nil
}

// Changed returns the members in which item, a record as it is now, differs from what was
// printed, by name. told is false where the edition does not say how it was printed. The
// error wraps ErrDamaged.
func (e *Edition) Changed(item Entry) (names []string, told bool, err error) {
	at := slices.Index(e.Items, item.ID)
	if at < 0 || len(e.PrintedDigests) != len(e.Items) || e.PrintedDigests[at] == forgotten {
		return nil, false, nil
	}
	is, err := item.digests()
	if err != nil {
		return nil, false, err
	}
	for i, was := range strings.Split(e.PrintedDigests[at], ",") {
		if i == len(e.PrintedFields) {
			break
		}
		name := e.PrintedFields[i]
		if is[name] != was {
			names = append(names, name)
		}
		delete(is, name)
	}
	for name := range is { // what the record had not
		names = append(names, name)
	}
	slices.Sort(names)
	return names, true, nil
}

// forgotten stands for the digests of a record that was recalled.
const forgotten = "-"

// digests returns a digest of every member that says what the record is: 24 bits in four
// characters, enough to tell that a text is another, and too little to tell what it was.
func (e Entry) digests() (map[string]string, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(e.Raw, &members); err != nil {
		return nil, fmt.Errorf("catalog: %s: %w: %w", e.ID, ErrDamaged, err)
	}
	all := map[string]string{}
	for name, v := range members {
		if !administrative(name) {
			sum := sha256.Sum256(v)
			all[name] = base64.RawURLEncoding.EncodeToString(sum[:3])
		}
	}
	return all, nil
}

// holds records what the edition holds, and how that reads.
func (e *Edition) holds(items []Entry) error {
	all := make([]map[string]string, len(items))
	names := map[string]bool{}
	for i, item := range items {
		var err error
		if all[i], err = item.digests(); err != nil {
			return err
		}
		for name := range all[i] {
			names[name] = true
		}
		e.Items = append(e.Items, item.ID)
	}
	e.PrintedFields = slices.Sorted(maps.Keys(names))
	for _, digests := range all {
		line := make([]string, len(names))
		for i, name := range e.PrintedFields {
			line[i] = digests[name]
		}
		e.PrintedDigests = append(e.PrintedDigests, strings.Join(line, ","))
	}
	return nil
}

// Version returns how often the record was published with another content, from 1.
func (e Entry) Version() int {
	n, _ := strconv.Atoi(string(member(e.Raw, "version")))
	return n
}

// Printed returns the edition that e is, where it was printed from this very catalog, nil
// for any other record. The error wraps ErrDamaged.
func (e Entry) Printed() (*Edition, error) {
	if e.Dataset != Catalogs || member(e.Raw, "printing") == nil {
		return nil, nil
	}
	var edition Edition
	if err := json.Unmarshal(e.Raw, &edition); err != nil {
		return nil, fmt.Errorf("catalog: %s: %w: %w", e.ID, ErrDamaged, err)
	}
	if edition.Printing.Number < 1 {
		return nil, fmt.Errorf("catalog: %s: a printing without a number: %w", e.ID, ErrDamaged)
	}
	return &edition, nil
}

// PrintedEdition returns the newest edition of package id among entries, nil without one.
func PrintedEdition(entries []Entry, id ID) (*Edition, error) {
	var newest *Edition
	for _, e := range entries {
		edition, err := e.Printed()
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
	var items []Entry
	for _, item := range pack.Items {
		if e, ok := d.entry(item); ok {
			items = append(items, e)
		}
	}
	if len(items) == 0 {
		return nil, Unchanged, NewTextError(ErrInvalid, Text{ZH: "成果包 %s 没有可印的条目", EN: "package %s has no item to print"}, id)
	}
	var editions []Entry
	number, printings := 1, 1
	for _, e := range d.editions() {
		edition, err := e.Printed()
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
	last, err := PrintedEdition(editions, id)
	if err == nil && last != nil {
		var stands bool
		if stands, err = last.Stands(items); stands {
			return last, Unchanged, nil
		}
	}
	if err != nil {
		return nil, Unchanged, err
	}
	edition := &Edition{Edition: fmt.Sprintf("第%d次印刷", printings), IssuedOn: Date(d.now.Format(time.DateOnly))}
	if err := edition.holds(items); err != nil {
		return nil, Unchanged, err
	}
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
	made, change, err := d.Encode(edition)
	if err == nil {
		err = d.Put(made, change)
	}
	return edition, change, err
}

// forget takes what the editions say of how a recalled record reads out of them.
func (d *Draft) forget(id ID) error {
	for _, e := range d.editions() {
		edition, err := e.Printed()
		if err != nil {
			return err
		}
		if edition == nil || len(edition.PrintedDigests) != len(edition.Items) {
			continue
		}
		at := slices.Index(edition.Items, id)
		if at < 0 || edition.PrintedDigests[at] == forgotten {
			continue
		}
		edition.PrintedDigests[at] = forgotten
		made, change, err := d.Encode(edition)
		if err == nil {
			err = d.Put(made, change)
		}
		if err != nil {
			return err
		}
	}
	return nil
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
