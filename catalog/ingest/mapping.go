package ingest

import (
	"embed"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// aliases.csv holds the column names seen in real files and what they mean.
//
//go:embed aliases.csv
var aliasFile embed.FS

// sourceKey is the column that names a record in the publisher's own files. It
// is no field: only its digest is published.
const sourceKey = "source_key"

// Use says what is done with a column.
type Use string

// What can be done with a column.
const (
	// Mapped: its values become a field.
	Mapped Use = "mapped"
	// Gate: it decides whether a row may be published, and is not published.
	Gate Use = "gate"
	// Dropped: never public (contacts, telephones, opinions). Like those of every
	// column its values are screened for marks of secrecy, and for nothing else.
	Dropped Use = "dropped"
	// Unused: known, and without a place in the catalog.
	Unused Use = "unused"
	// Unknown: nobody said what it means, so it is not published.
	Unknown Use = "unknown"
)

// Column is what became of one column of a file.
type Column struct {
	File    string          `json:"file"`
	Dataset catalog.Dataset `json:"dataset"`
	Name    string          `json:"column"`
	Field   string          `json:"field,omitzero"`
	Use     Use             `json:"use"`
	// Values counts the rows in which the column was not empty.
	Values int `json:"values"`
	// Personal counts the rows in which a column that is not published holds what
	// the rules on the data of persons (P1 to P5, P7) look for.
	Personal int `json:"personal,omitzero"`
	// Proposal says what the column most likely means, and why.
	Proposal `json:"proposal"`

	place int // in the header of its file
}

// target is what a column is turned into.
type target struct {
	use   Use
	name  string // field path, sourceKey, orgCode, or the gate's name
	field catalog.Field
	hint  hint
	// coded: a value that its code list lacks closes the row, since the column may
	// be one that decides about publication.
	coded bool
	// guessed: no name is known, and word in it tells what it is.
	guessed bool
	word    string
	// hidden: the name is itself what must not be shown.
	hidden bool
}

// shown returns what the report calls the column at that place, with the word of
// its name that says what it is.
func (t target) shown(name string, place int) string {
	switch at := "(" + columnLetters(place) + ")"; {
	case !t.hidden:
		return name
	case t.word != "":
		return t.word + "…" + at
	default:
		return at
	}
}

// helper reports whether the target is one that no field stands for.
func (t target) helper() bool { return t.name == sourceKey || t.name == orgCode }

type aliasKey struct {
	dataset catalog.Dataset
	name    string
}

var loadAliases = sync.OnceValue(func() map[aliasKey]target {
	uses := map[string]Use{"public": Mapped, "coded": Mapped, "gate": Gate, "never": Dropped, "unused": Unused}
	aliases := map[aliasKey]target{}
	for _, row := range catalog.ReadTable(aliasFile, "aliases.csv") {
		d := catalog.Dataset(row["dataset"])
		if d == "*" {
			d = ""
		}
		aliases[aliasKey{d, foldHeader(row["alias"])}] = target{use: uses[row["visibility"]], name: row["field"], coded: row["visibility"] == "coded"}
	}
	return aliases
})

// foldHeader reduces a column name to what makes it that name: width, case,
// white space, hidden characters, asterisks and quotes do not.
func foldHeader(s string) string {
	s, _ = catalog.CleanText(s, false)
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r), r == '*', r == '"', r == '\'', r == '“', r == '”', r == '\ufeff':
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(s))
}

// mapping turns column names into targets for one dataset. It is safe for use by
// several goroutines.
type mapping struct {
	dataset  catalog.Dataset
	explicit map[string]target // by folded column name
	known    sync.Map          // column name as written -> target
}

// newMapping prepares the mapping of dataset d. columns is what the operator
// says, from column name to field. It goes before what the program knows, but for
// columns that decide about publication or are never public: no map opens those.
func newMapping(d catalog.Dataset, columns map[string]string) (*mapping, error) {
	m := &mapping{dataset: d, explicit: map[string]target{}}
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		name := columns[column]
		t, ok := m.targetOf(name)
		if !ok {
			return nil, catalog.NewTextError(catalog.ErrInvalid, catalog.Text{
				ZH: "列对应表：“%s”不是 %s 的字段；字段有 %s", EN: "column map: %q is not a field of %s; fields are %s",
			}, name, d, strings.Join(fieldNames(d), ", "))
		}
		if known, _ := m.classify(column); known.use == Gate || known.use == Dropped {
			return nil, catalog.NewTextError(catalog.ErrInvalid, catalog.Text{
				ZH: "列对应表：“%s”列不能指定：它用于把关，或从不公开", EN: "column map: the column %q cannot be mapped: it decides about publication or is never public",
			}, column)
		}
		m.explicit[foldHeader(column)] = t
	}
	return m, nil
}

func fieldNames(d catalog.Dataset) []string {
	names := []string{sourceKey}
	if hasOrganizations(d) {
		names = append(names, orgCode)
	}
	for _, f := range catalog.Fields(d) {
		if !f.Assigned() {
			names = append(names, f.Path)
		}
	}
	return names
}

// targetOf understands what an operator would write: a path ("ip[].number"), its
// short form ("keywords", "organizations"), source_key, or "-" for nothing.
func (m *mapping) targetOf(name string) (target, bool) {
	switch name {
	case "", "-":
		return target{use: Unused}, true
	case sourceKey, orgCode:
		return target{use: Mapped, name: name}, true
	}
	for _, path := range []string{name, name + "[]", name + "[].name", name + ".name", name + ".number"} {
		if f, ok := catalog.LookupField(m.dataset, path); ok && !f.Assigned() {
			return target{use: Mapped, name: path, field: f}, true
		}
	}
	return target{}, false
}

// column decides what becomes of a column.
func (m *mapping) column(name string) target {
	if t, ok := m.known.Load(name); ok {
		return t.(target)
	}
	t, said := m.classify(name)
	if explicit, ok := m.explicit[foldHeader(name)]; ok {
		t = explicit
	}
	if t.use == Mapped {
		t.hint = said
	}
	m.known.Store(name, t)
	return t
}

// classify says what a column is by its name alone, whatever a map says: a known
// name, one with a tail, or one that speaks of publication or of a person.
func (m *mapping) classify(name string) (t target, said hint) {
	key := foldHeader(name)
	base, said := headerHint(key)
	if key == "" {
		return target{use: Unknown}, said
	}
	if t = m.resolve(name, key); t.use == Unknown && base != key {
		t = m.resolve(base, base)
	}
	if t.use != Unknown {
		return t, said
	}
	if gate, word := gateHeader(key); word != "" {
		t = target{use: Gate, name: gate, guessed: true, word: word}
	} else if word = personalHeader(key); word != "" {
		t = target{use: Dropped, guessed: true, word: word, hidden: !impersonal(key)}
	}
	t.hidden = t.hidden || slices.ContainsFunc(objections(screen.ColumnName, name), func(f screen.Finding) bool {
		return t.use != Gate || strings.HasPrefix(f.Rule, "P") // 密级 is a word of secrecy too
	})
	return t, said
}

// resolve looks a column up: what the dataset calls it goes before what all do.
func (m *mapping) resolve(name, key string) target {
	if t, ok := m.alias(m.dataset, key); ok {
		return t
	}
	if t, ok := m.targetOf(strings.TrimSpace(name)); ok {
		return t
	}
	for _, f := range catalog.Fields(m.dataset) {
		if !f.Assigned() && (foldHeader(f.Label.ZH) == key || foldHeader(f.Label.EN) == key) {
			return target{use: Mapped, name: f.Path, field: f}
		}
	}
	if t, ok := m.alias("", key); ok {
		return t
	}
	// A JSON member that holds an object or list is named by its top.
	for _, f := range catalog.Fields(m.dataset) {
		if !f.Assigned() && f.Top() == name {
			return target{use: Mapped, name: name, field: f}
		}
	}
	return target{use: Unknown}
}

// alias returns what aliases.csv says of a folded name, for one dataset or ("")
// for all.
func (m *mapping) alias(d catalog.Dataset, key string) (target, bool) {
	t, ok := loadAliases()[aliasKey{d, key}]
	switch {
	case !ok:
		return target{}, false
	case t.use != Mapped || t.name == sourceKey:
		return t, true
	case t.name == orgCode:
		if !hasOrganizations(m.dataset) {
			return target{use: Unused}, true
		}
		return t, true
	}
	if t.field, ok = catalog.LookupField(m.dataset, t.name); !ok {
		return target{use: Unused}, true
	}
	return t, true
}

// hasOrganizations reports whether records of d name organizations that take part.
func hasOrganizations(d catalog.Dataset) bool {
	for _, path := range []string{"organizations[].name", "provider.name"} {
		if _, ok := catalog.LookupField(d, path); ok {
			return true
		}
	}
	return false
}

var (
	// headerTail is what stands behind the name of a column: a unit or a remark,
	// in brackets or after a colon or slash.
	headerTail = regexp.MustCompile(`^(.+?)[([【:：/,，-]+(?:单位[:：]?)?([^()\[\]【】]+)[)\]】]?$`)
	// headerUnit is a unit of money or count.
	headerUnit = regexp.MustCompile(`^(?:以)?(亿|千万|百万|十万|万|千|百|k)?(人民币|美元|美金|欧元|港元|港币|日元|英镑|新台币|新臺幣|元|圆|rmb|cny|usd|eur|hkd|jpy|gbp|twd|nt\$|平方米|平米|m2|家|户|个|项|人)?(?:人民币|为单位|计)?$`)
	// headerRemark is what tells how to fill a column in, and changes nothing.
	headerRemark = regexp.MustCompile(`^(?:必填|选填|可选|必选|可不填|可空|非必填|单选|多选|可多选|可多填|下拉选择|下拉|选择|中文|文字|文本|数字|日期|全称|可多个|多个用.{1,12}(?:分隔|隔开)|用.{1,12}(?:分隔|隔开)|分号分隔|(?:限|不超过|最多|至多)?\d+(?:-\d+)?(?:个)?(?:字|个字|字符|项|个)(?:以内|内|以下)?|格式.{0,20}|yyyy.{0,12}|年月日|年-?月-?日|年/月/日|如.{1,20}|例如?.{1,20}|示例.{0,20}|required|optional)$`)
	// headerMoney is a unit that stands without brackets: 预算万元.
	headerMoney  = regexp.MustCompile(`^(.{2,}?)(亿|千万|百万|万|千)元$`)
	headerROC    = regexp.MustCompile(`^(?:民國|民国|中華民國|中华民国|roc|民國年|民国年|民國紀年|民国纪年)$`)
	trlScaleForm = regexp.MustCompile(`gb/?t?22900[-—]?(2022|2009)`)
)

// headerHint takes what a folded header says about its values off its name:
// 预算(万元), 技术就绪度(gb/t22900-2022), 完成日期(民國). A tail that is neither a
// unit nor a known remark belongs to the name: 完成单位(联系人) is another column.
func headerHint(key string) (base string, h hint) {
	base = key
	for range 3 {
		m := headerTail.FindStringSubmatch(base)
		if m == nil {
			break
		}
		tail := m[2]
		switch {
		case trlScaleForm.MatchString(tail):
			h.trlScale = "gbt22900-" + trlScaleForm.FindStringSubmatch(tail)[1]
		case headerROC.MatchString(tail):
			h.roc = true
		case isRemark(tail):
		case headerUnit.MatchString(tail):
			u := headerUnit.FindStringSubmatch(tail)
			h.scale = scales[u[1]]
			if c := currencies[u[2]]; u[2] != "" && c != "CNY" {
				h.currency = c
			}
		default:
			return base, h
		}
		base = strings.TrimSpace(m[1])
	}
	for _, era := range []string{"民國", "民国"} {
		if rest, ok := strings.CutPrefix(base, era); ok && rest != "" {
			base, h.roc = rest, true
		}
	}
	if m := headerMoney.FindStringSubmatch(base); m != nil && h.scale == 0 {
		base, h.scale = m[1], scales[m[2]]
	}
	return base, h
}

// isRemark reports whether a tail is made of remarks: 不超过5个,用分号分隔.
func isRemark(tail string) bool {
	for part := range strings.FieldsFuncSeq(tail, func(r rune) bool { return strings.ContainsRune(",;、", r) }) {
		if !headerRemark.MatchString(part) {
			return false
		}
	}
	return true
}
