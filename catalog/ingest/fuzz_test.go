package ingest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"luoshu/catalog"
	"luoshu/catalog/screen"
)

// fuzzed imports a file that may be anything: it is refused in words, or every
// row of it has an outcome.
func fuzzed(t *testing.T, name string, content []byte, opt Options) {
	t.Helper()
	opt.Dataset, opt.Publisher = catalog.Achievements, "p"
	r, err := Import(t.Context(), catalog.NewDraft(nil, now), inputOf(name, content), opt)
	if err != nil {
		if !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("not a fault of the file: %v", err)
		}
		return
	}
	tt := r.Totals
	if tt.Published+tt.Unchanged+tt.Held+tt.Refused != tt.Read {
		t.Errorf("totals %+v", tt)
	}
	for _, l := range r.Rows {
		if !utf8.ValidString(l.Message + l.MessageZH + l.Column) {
			t.Errorf("line %+v", l)
		}
	}
	for _, l := range r.Notes {
		if !utf8.ValidString(l.Message + l.MessageZH) {
			t.Errorf("note %+v", l)
		}
	}
	// What must not be shown is shown nowhere: a name of the file's own making is
	// replaced before it comes into the report.
	for _, c := range r.Columns {
		if c.Use == Unknown && len(objections(screen.ColumnName, c.Name)) > 0 {
			t.Errorf("column %q", c.Name)
		}
		if c.Personal > c.Values || c.Personal > 0 && c.Use == Mapped {
			t.Errorf("column %+v", c)
		}
	}
}

// FuzzWorkbook changes the parts of a workbook, whose archive is in order.
func FuzzWorkbook(f *testing.F) {
	parts := bookParts(`<row r="1"><c r="A1" t="inlineStr"><is><t>成果名称</t></is></c><c r="B1" t="s"><v>1</v></c></row><row r="2" hidden="1"><c r="A2" t="str"><v>甲</v></c><c r="C2" s="1"><v>45658</v></c></row>`)
	names := []string{"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"}
	comments := `<comments xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><authors><author>a</author></authors><commentList><comment ref="A1" authorId="0"><text><t>批注</t></text></comment></commentList></comments>`
	f.Add(parts[names[0]], parts[names[1]], parts[names[2]], parts[names[3]], parts[names[4]], comments)
	f.Add(`<worksheet><sheetData><row><c><v>1</v></c></row></sheetData><mergeCells><mergeCell ref="A1:B2"/></mergeCells><headerFooter><oddHeader>x</oddHeader></headerFooter></worksheet>`,
		`<sst/>`, `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts><numFmt numFmtId="164" formatCode="yyyy"/></numFmts><cellXfs><xf numFmtId="164"/></cellXfs></styleSheet>`,
		strings.Replace(parts[names[3]], `sheetId="1"`, `sheetId="1" state="hidden"`, 1), parts[names[4]], "")
	f.Add(`<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>成果名称</t></is></c><c r="B1" t="inlineStr"><is><t>电话15400000001</t><rPh><t>不得外传</t></rPh></is></c></row><row r="2"><c r="A2" t="str"><f>"内部资料"</f><v>甲</v></c><c r="B2" t="s"><v>0</v></c></row></sheetData><mergeCells><mergeCell ref="A2:B2"/></mergeCells><dataValidations><dataValidation prompt="机密★"/></dataValidations></worksheet>`,
		parts[names[1]], "<styleSheet x=\"\xac\"/>", parts[names[3]], parts[names[4]], "")
	f.Fuzz(func(t *testing.T, sheet, shared, styles, book, rels, comments string) {
		changed := bookParts("")
		for i, content := range []string{sheet, shared, styles, book, rels} {
			changed[names[i]] = content
		}
		changed["xl/comments1.xml"] = comments
		changed["xl/worksheets/_rels/sheet1.xml.rels"] = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/comments" Target="../comments1.xml"/></Relationships>`
		fuzzed(t, "a.xlsx", zipOf(t, changed), Options{TempDir: t.TempDir()})
	})
}

// FuzzArchive changes the bytes of whole workbooks and bundles.
func FuzzArchive(f *testing.F) {
	f.Add("a.xlsx", workbookOf(f, func(b *excelize.File) { put(f, b, "Sheet1", "A1", []any{"成果名称"}, []any{"甲"}) }))
	_, bundle := bundleOf(f, published(f, "elsewhere"))
	f.Add("a.luoshu", bundle)
	f.Add("a.xls", []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		switch ending(name) {
		case ".xlsx", ".xls", ".luoshu":
			fuzzed(t, name, content, Options{TempDir: t.TempDir()})
		}
	})
}

// FuzzText reads text tables in every encoding.
func FuzzText(f *testing.F) {
	f.Add("a.csv", "", []byte(chinese))
	f.Add("a.txt", "", []byte("\xb3\xc9\xb9\xfb\xc3\xfb\xb3\xc6|\xbc\xf2\xbd\xe9\n\xbc\xd7|\xd2\xd2\n"))
	f.Add("a.tsv", "utf-16", []byte("\xff\xfeh\x98\x98\x98\n\x002u\n\x00"))
	f.Add("a.csv", "gb18030", []byte("sep=;\n\xb1\xea\xcc\xe2;\x81\x30\x81\x30\n\x00\n"))
	f.Add("a.csv", "", []byte("目录,,\n,,\n序号,标题,联系方式,\n,,联系人,手机号\n(1),(2),(3),(4)\n1,\"甲\n乙\",,\n序号,标题,,\n"))
	f.Fuzz(func(t *testing.T, name, encoding string, content []byte) {
		switch ending(name) {
		case ".csv", ".tsv", ".txt":
			if Encoding(encoding).check() == nil {
				fuzzed(t, name, content, Options{Encoding: Encoding(encoding)})
			}
		}
	})
}

// FuzzJSON reads lists, the form of the API, and lines.
func FuzzJSON(f *testing.F) {
	f.Add("a.json", []byte(`[{"title":"甲","ip":[{"number":"ZL202119900012.4"}]},7]`))
	f.Add("a.json", []byte("\xef\xbb\xbf{\"meta\":{},\"data\":[{\"title\":\"甲\"}]}"))
	f.Add("a.json", []byte(`{"note":"不得外传\u200b","data":[{"title":"甲","手机15400000001":{"\ud83d":["内部资料",1e9]}}]}`))
	f.Add("a.jsonl", []byte(`{"title":"甲","title":"乙"}`+"\n[1]\n"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		switch ending(name) {
		case ".json", ".jsonl":
			fuzzed(t, name, content, Options{})
		}
	})
}

// FuzzXML compares the scanner with encoding/xml: what both read is the same, and
// what the scanner reads to the end that library does not find to end early.
func FuzzXML(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0" encoding="UTF-8"?><a x="1>2"><b>c &amp; d</b><!-- e --><f/><![CDATA[<g>]]>`+"h\r\ni</a>"), 3)
	f.Add([]byte(`<x:a xmlns:x="u"><x:b>&#x4E2D;&#10;</x:b></x:a>`), 64)
	f.Add([]byte("<a>]]></a><b/>"), 1)
	f.Fuzz(func(t *testing.T, content []byte, buffer int) {
		type token struct{ kind, text string }
		var own, other []token
		add := func(list *[]token, kind, text string) {
			if n := len(*list); kind == "text" && n > 0 && (*list)[n-1].kind == "text" {
				(*list)[n-1].text += text
			} else if kind != "text" || text != "" {
				*list = append(*list, token{kind, text})
			}
		}
		x := newXMLScanner(bytes.NewReader(content))
		x.buf = make([]byte, max(1, min(buffer, 1<<10)))
		for {
			kind, err := x.next()
			if err != nil {
				return
			}
			if kind == xmlEOF {
				break
			}
			switch kind {
			case xmlStart:
				add(&own, "start", string(x.name))
			case xmlEnd:
				add(&own, "end", string(x.name))
			default:
				text, err := x.appendText(nil)
				if err != nil {
					return
				}
				if x.depth() > 0 {
					add(&own, "text", string(text))
				}
			}
		}
		if x.depth() != 0 {
			t.Fatalf("ends with %d open elements", x.depth())
		}
		depth := 0
		for d := xml.NewDecoder(bytes.NewReader(content)); ; {
			tok, err := d.RawToken()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					return // stricter
				}
				break
			}
			switch tok := tok.(type) {
			case xml.StartElement:
				depth++
				add(&other, "start", tok.Name.Local)
			case xml.EndElement:
				depth--
				add(&other, "end", tok.Name.Local)
			case xml.CharData:
				if depth > 0 {
					add(&other, "text", string(tok))
				}
			}
		}
		if len(own) != len(other) {
			t.Fatalf("%q: %v, encoding/xml %v", content, own, other)
		}
		for i := range own {
			if own[i] != other[i] {
				t.Fatalf("%q: %v, encoding/xml %v", content, own[i], other[i])
			}
		}
	})
}

func FuzzUnescape(f *testing.F) {
	f.Add("a_x000D_\nb_x005F_x000D_")
	f.Add("_xD83D__xDE00__x_x000__x0041_")
	f.Fuzz(func(t *testing.T, s string) {
		got := string(unescape([]byte(s)))
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("%q became %q", s, got)
		}
		if !strings.Contains(s, "_x") && got != s {
			t.Errorf("%q became %q", s, got)
		}
	})
}
