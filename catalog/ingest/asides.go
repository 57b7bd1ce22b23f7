package ingest

import (
	"fmt"
	"html"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// aside is a text that is in a file and in none of its rows. None of it is
// published; it is screened all the same, because a mark there is a mark on the
// whole file.
type aside struct {
	kind catalog.Text
	// in names the sheet or part, at the cell; either may be empty.
	in, at string
	text   string
}

// What an aside can be.
var (
	asSheet      = catalog.Text{ZH: "工作表名", EN: "sheet"}
	asHidden     = catalog.Text{ZH: "隐藏的工作表", EN: "hidden sheet"}
	asUnread     = catalog.Text{ZH: "未读取的工作表", EN: "unread sheet"}
	asTemplate   = catalog.Text{ZH: "模板的工作表", EN: "sheet of the template"}
	asCell       = catalog.Text{ZH: "表外单元格", EN: "cell"}
	asColumn     = catalog.Text{ZH: "表头", EN: "column name"}
	asCovered    = catalog.Text{ZH: "被合并区域盖住的单元格", EN: "covered cell"}
	asFormula    = catalog.Text{ZH: "公式或拼音", EN: "formula or reading aid"}
	asComment    = catalog.Text{ZH: "批注", EN: "comment"}
	asProperty   = catalog.Text{ZH: "文件属性", EN: "property"}
	asPage       = catalog.Text{ZH: "页眉页脚", EN: "page header"}
	asLink       = catalog.Text{ZH: "链接", EN: "link"}
	asValidation = catalog.Text{ZH: "数据有效性", EN: "validation"}
	asSetting    = catalog.Text{ZH: "工作表设置", EN: "setting"}
	asDrawing    = catalog.Text{ZH: "图形", EN: "drawing"}
	asPart       = catalog.Text{ZH: "文件内部", EN: "part"}
	asName       = catalog.Text{ZH: "名称", EN: "defined name"}
	asMember     = catalog.Text{ZH: "成员", EN: "member"}
	asFile       = catalog.Text{ZH: "文件名", EN: "the file name"}
)

func (a aside) place(lang string) string {
	where := a.kind.In(lang)
	if a.in != "" {
		where += " " + a.in
	}
	switch {
	case a.at != "" && a.in != "":
		where += "!" + a.at
	case a.at != "":
		where += " " + a.at
	}
	return where
}

// aside hands over text that is in the file and in no row.
func (s *source) aside(kind catalog.Text, in, at, text string) {
	if s.asides != nil && strings.TrimSpace(text) != "" {
		// Names of parts and attributes are read as they are written.
		s.asides(aside{kind, strings.ToValidUTF8(in, "\ufffd"), at, strings.ToValidUTF8(text, "\ufffd")})
	}
}

// asides screens what is in a file and in no row.
type asides struct {
	// marked, unless nil, is why the file is not read.
	marked error
	found  []noticed
	index  map[noticedKey]int
}

type noticedKey struct {
	kind     catalog.Text
	in, rule string
}

// noticed is what one rule found in one kind of place: the first, and how many.
type noticed struct {
	aside
	rule  string
	count int
}

func (s *asides) screen(a aside) {
	for _, f := range objections(screen.HiddenCell, a.text) {
		if f.Action == screen.Refuse {
			if s.marked == nil {
				s.marked = markedFile(a, f.Rule)
			}
			continue
		}
		if a.kind == asTemplate {
			continue // of which Luoshu itself wrote that it must hold no secrets
		}
		key := noticedKey{a.kind, a.in, f.Rule}
		i, ok := s.index[key]
		if !ok {
			if s.index == nil {
				s.index = map[noticedKey]int{}
			}
			i = len(s.found)
			s.index[key] = i
			s.found = append(s.found, noticed{aside: aside{kind: a.kind, in: a.in, at: a.at}, rule: f.Rule})
		}
		s.found[i].count++
	}
}

// notes tells what was found in places of which nothing is published.
func (s *asides) notes() []finding {
	var notes []finding
	for _, n := range s.found {
		r, _ := screen.LookupRule(n.rule)
		found := r.Found()
		zh, en := n.place("zh"), n.place("en")
		if n.count > 1 {
			zh, en = fmt.Sprintf("%s 等 %d 处", zh, n.count), fmt.Sprintf("%s (and %d more like it)", en, n.count-1)
		}
		f := finding{"", n.rule, zh + "：" + found.ZH + "。该处不发布", en + ": " + found.EN + ". Nothing of it is published"}
		if strings.HasPrefix(n.rule, "M") {
			f.zh += "；请核对整个文件是否可以公开"
			f.en += "; check whether the file as a whole may be"
		}
		notes = append(notes, f)
	}
	return notes
}

// markedFile says that something in a file speaks against its publication.
func markedFile(a aside, rule string) error {
	r, _ := screen.LookupRule(rule)
	found := r.Found()
	return refuse(
		fmt.Sprintf("%s：%s（%s）。整个文件因此没有读取：不得公开的，按本单位的规定处理；可以公开的，改正后重新提交", a.place("zh"), found.ZH, rule),
		fmt.Sprintf("%s: %s (%s). The file was not read for that: what must not be public is for your unit's rules; if it may be, correct it and submit it again", a.place("en"), found.EN, rule))
}

// objections are the findings in a text that is not published. The words that the
// rules of secrecy only note are everyday English, and none.
func objections(kind screen.Kind, text string) []screen.Finding {
	if !speaks(text) {
		return nil
	}
	if strings.ContainsAny(text, "&_") {
		text, _ = decodeEscapes(text)
	}
	var found []screen.Finding
	for _, f := range screen.Text(kind, text) {
		if f.Action != screen.Note || strings.HasPrefix(f.Rule, "P") {
			found = append(found, f)
		}
	}
	return found
}

// isPersonal reports whether a text holds what the rules on the data of persons
// look for.
func isPersonal(text string) bool {
	return slices.ContainsFunc(objections(screen.Cell, text), func(f screen.Finding) bool { return strings.HasPrefix(f.Rule, "P") })
}

// isMarked reports whether a text bears what no approval lifts.
func isMarked(text string) bool {
	return slices.ContainsFunc(objections(screen.HiddenCell, text), func(f screen.Finding) bool { return f.Action == screen.Refuse })
}

// speaks reports whether a text can hold anything that objections finds: most
// cells of a table hold a short number or a few letters.
func speaks(text string) bool {
	digits := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 0x80 || c == '@' || c == '&':
			return true
		case c >= '0' && c <= '9':
			if digits++; digits == 5 {
				return true
			}
		case c == '(' || c == '[':
			if i+1 < len(text) && text[i+1]|0x20 == 'a' {
				return true // name(at)example.com
			}
		}
	}
	return false
}

// shown is what the report calls something that a file names itself: instead,
// where the name is what must not be shown.
func shown(name, instead string) string {
	if len(objections(screen.SheetName, name)) > 0 {
		return instead
	}
	return name
}

// jsonWords returns the texts, names and numbers in a JSON value.
func jsonWords(v jsontext.Value) string {
	if v.Kind() == '"' {
		return cell{json: v}.plain()
	}
	var b strings.Builder
	d := jsontext.NewDecoder(strings.NewReader(string(v)), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		t, err := d.ReadToken()
		if err != nil {
			return b.String()
		}
		if kind := t.Kind(); kind == '"' || kind == '0' {
			// No sign that belongs to a number or is passed over between Han.
			b.WriteString(t.String())
			b.WriteByte('|')
		}
	}
}

// sweeper gathers what a part of a workbook says in its elements and attributes.
// The runs of a paragraph are one text.
type sweeper struct {
	text, values []byte
	tell         func(text string)
}

// sweepBytes is how much is gathered before it is screened.
const sweepBytes = 64 << 10

func (s *sweeper) take(x *xmlScanner, kind xmlKind) error {
	var err error
	switch kind {
	case xmlStart:
		if string(x.name) == "tableColumn" {
			return nil // the header of the table again
		}
		s.attributes(x.attrs)
	case xmlText:
		s.text, err = x.appendText(s.text)
	case xmlEnd:
		if n := len(s.text); n > 0 && s.text[n-1] != '\n' && string(x.name) != "t" {
			s.text = append(s.text, '\n')
		}
		if len(s.text)+len(s.values) > sweepBytes {
			s.flush()
		}
	default:
	}
	return err
}

// attributes takes in the values beyond ASCII: what is said in ASCII here is the
// workbook's, and the targets of links.
func (s *sweeper) attributes(attrs []byte) {
	for len(attrs) > 0 {
		name, value, rest, ok := nextAttribute(attrs)
		if !ok {
			return
		}
		attrs = rest
		if !slices.ContainsFunc(value, func(c byte) bool { return c >= 0x80 || c == '&' || c == '%' || c == '@' }) {
			continue
		}
		said := html.UnescapeString(string(value))
		if string(name) == "Target" {
			if plain, err := url.PathUnescape(said); err == nil {
				said = plain
			}
		}
		s.values = append(append(s.values, said...), '\n')
	}
}

func (s *sweeper) flush() {
	for _, b := range []*[]byte{&s.text, &s.values} {
		if len(*b) > 0 {
			s.tell(string(*b))
		}
		*b = (*b)[:0]
	}
}

// sweep hands over everything a part says: cell by cell where it is of comments.
func (w *workbook) sweep(kind catalog.Text, in string) func(*xmlScanner) error {
	return func(x *xmlScanner) error {
		at := ""
		s := sweeper{tell: func(text string) { w.aside(kind, in, at, text) }}
		for {
			token, err := x.next()
			if err != nil {
				return err
			}
			if token == xmlEOF {
				s.flush()
				return nil
			}
			name := string(x.name)
			comment := name == "comment" || name == "threadedComment"
			if token == xmlStart && comment {
				s.flush()
				ref, _ := attribute(x.attrs, "ref")
				if _, _, ok := parseCellName(ref); ok {
					at = string(ref)
				}
			}
			if err := s.take(x, token); err != nil {
				return err
			}
			if token == xmlEnd && (comment || name == "p" || x.depth() <= 1) {
				s.flush()
				if comment {
					at = ""
				}
			}
		}
	}
}

// asideKind tells what a part of a workbook is to the people who made it.
func asideKind(name string) catalog.Text {
	switch rest, _ := strings.CutPrefix(name, "xl/"); {
	case strings.HasPrefix(rest, "comments"), strings.HasPrefix(rest, "threadedComments/"), strings.HasPrefix(rest, "persons/"):
		return asComment
	case strings.HasPrefix(rest, "drawings/"), strings.HasPrefix(rest, "charts/"), strings.HasPrefix(rest, "diagrams/"):
		return asDrawing
	case strings.HasPrefix(rest, "worksheets/_rels/"):
		return asLink
	case rest == "workbook.xml":
		return asName
	}
	return asPart
}

// pageCode is what formats the header of a page (ECMA-376-1, 18.3.1.46).
var pageCode = regexp.MustCompile(`&(?:"[^"]*"|K[0-9A-Fa-f]{6}|[0-9]{1,3}|[A-Za-z])`)

// asideOfSheet tells what an element of a sheet besides its rows is.
func asideOfSheet(element string) catalog.Text {
	switch element {
	case "headerFooter":
		return asPage
	case "hyperlinks":
		return asLink
	case "dataValidations":
		return asValidation
	}
	return asSetting
}

var markup = regexp.MustCompile(`<[^>]*>`)

// sweepMarkup hands over what stands in a part that is markup and no sound XML,
// such as old drawings (.vml) and what other programs keep in customXml.
func (w *workbook) sweepMarkup(kind catalog.Text, in string, r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, MaxPartBytes+1))
	if err != nil {
		return err
	}
	if len(b) > MaxPartBytes {
		return partTooLarge(in)
	}
	written := html.UnescapeString(string(b))
	w.aside(kind, in, "", markup.ReplaceAllString(written, ""))
	tags := slices.DeleteFunc(markup.FindAllString(written, -1), isASCII)
	w.aside(kind, in, "", strings.Join(tags, "\n"))
	return nil
}
