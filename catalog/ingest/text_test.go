package ingest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"luoshu/catalog"
)

func encoded(t *testing.T, to interface{ String(string) (string, error) }, text string) string {
	t.Helper()
	s, err := to.String(text)
	must(t, err)
	return s
}

const chinese = "成果名称,完成单位,关键词\n高端轴承钢精炼技术,甲研究院,轴承；钢\n“双碳”目标下的余热利用系统㐂,乙公司,\n"

func TestEncodings(t *testing.T) {
	gb := encoded(t, simplifiedchinese.GB18030.NewEncoder(), chinese)
	le := encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(), strings.ReplaceAll(chinese, "㐂", "𠮷\u0a0a"))
	be := encoded(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder(), chinese)
	lines := strings.SplitAfter(gb, "\n")
	tests := []struct {
		name     string
		content  string
		encoding Encoding
		want     string // the titles, or what the error says
	}{
		{"UTF-8", chinese, "", "高端轴承钢精炼技术|“双碳”目标下的余热利用系统㐂"},
		{"UTF-8 with mark", "\ufeff" + chinese, AutoEncoding, "高端轴承钢精炼技术|“双碳”目标下的余热利用系统㐂"},
		{"GB18030", gb, "", "高端轴承钢精炼技术|“双碳”目标下的余热利用系统㐂"},
		{"GB18030, named", gb, GB18030, "高端轴承钢精炼技术|“双碳”目标下的余热利用系统㐂"},
		{"UTF-16, little end first", le, "", "高端轴承钢精炼技术|“双碳”目标下的余热利用系统𠮷\u0a0a"},
		{"UTF-16, big end first", be, UTF16, "高端轴承钢精炼技术|“双碳”目标下的余热利用系统㐂"},
		{"ASCII", "title\na\n", "", "a"},
		{"short GBK that could be UTF-8", encoded(t, simplifiedchinese.GBK.NewEncoder(), "标题\n联通\n"), "", "联通"},

		{"UTF-8 named, GBK", gb, UTF8, "the header of column 1 is not UTF-8"},
		{"another mark than named", "\ufeff" + chinese, GB18030, "begins with the mark of utf-8"},
		{"UTF-16 without mark", le[2:], UTF16, "no byte order mark"},
		{"UTF-16 not named, without mark", le[2:], "", "is not certain"},
		{"half a pair", le + "\x00\xd8", "", "line 4 is not utf-16 from byte 1 on"},
		{"odd byte", le + "x", "", "line 4 is not utf-16 from byte 1 on"},
		{"unknown", chinese, "big5", "use auto, utf-8, gb18030 or utf-16"},
		{"one GBK row among UTF-8", "成果名称\n甲成果\n" + encoded(t, simplifiedchinese.GBK.NewEncoder(), "乙成果\n"), "", "line 3 is not UTF-8 from byte 1 on"},
		{"one UTF-8 row among GBK", lines[0] + lines[1] + "丙成果,丙公司,\n" + lines[2], "", "line 3 is UTF-8 from byte 1 on"},
		{"lost byte in GBK", lines[0] + lines[1][:4] + lines[1][5:], GB18030, "line 2 is not gb18030 from byte"},
		{"lost byte in GBK, not named", lines[0] + lines[1] + "abc\xb3,\n", "", "line 3 is not gb18030 from byte 4 on"},
		{"NUL", "成果名称\n甲\x00成果\n", "", "byte 4 of line 2 is NUL"},
		{"NUL in GBK", lines[0] + "a\x00\n" + lines[1], "", "byte 2 of line 2 is NUL"},
		{"Big5", encoded(t, traditionalchinese.Big5.NewEncoder(), "標題,單位\n高效能太陽能電池之研究,國立大學\n"), "", "is not certain"},
		{"Shift JIS", encoded(t, japanese.ShiftJIS.NewEncoder(), "タイトル,所属\n高効率な太陽電池の開発,東京大学\n"), "", "is not certain"},
		{"EUC-JP", encoded(t, japanese.EUCJP.NewEncoder(), "タイトル,所属\n高効率な太陽電池の開発,東京大学\n"), "", "is not certain"},
		{"EUC-KR", encoded(t, korean.EUCKR.NewEncoder(), "제목,기관\n고효율 태양전지의 개발에 관한 연구,서울대학교\n본 연구는 차세대 이차전지용 고용량 음극 소재의 합성 및 특성 평가에 관한 것이다,한국화학연구원\n"), "", "is not certain"},
		{"Latin-1", "title,place\ncaf\xe9 na\xefve,M\xfcnchen\n", "", "is not certain: from line 2, byte 4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var titles []string
			d := catalog.NewDraft(nil, now)
			r, err := Import(t.Context(), d, file("a.csv", tt.content), Options{Dataset: catalog.Achievements, Publisher: "p", Encoding: tt.encoding})
			if err != nil {
				if !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error = %v, want %q", err, tt.want)
				}
				return
			}
			for _, l := range r.Rows {
				if l.Outcome != Published {
					t.Errorf("row %d: %s", l.Row, l.Message)
				}
			}
			p, err := d.Build(t.Context(), catalog.BuildOptions{})
			must(t, err)
			for _, title := range strings.Split(tt.want, "|") {
				for _, e := range p.Release.Entries {
					if a, _ := catalog.Decode(e.Dataset, e.Raw); a.Head().Title == title {
						titles = append(titles, title)
					}
				}
			}
			if strings.Join(titles, "|") != tt.want || len(p.Release.Entries) != len(titles) {
				t.Errorf("titles %q, %d entries, want %q", titles, len(p.Release.Entries), tt.want)
			}
		})
	}
}

// TestLinesAcrossBuffers: lines, and characters of two and four bytes, lie across
// every border there is between buffers.
func TestLinesAcrossBuffers(t *testing.T) {
	var text strings.Builder
	text.WriteString("成果名称\n")
	for i := range 20_000 {
		fmt.Fprintf(&text, "%s%d𠮷\n", strings.Repeat("成果名称", i%23), i)
	}
	for name, content := range map[string]string{
		"GB18030": encoded(t, simplifiedchinese.GB18030.NewEncoder(), text.String()),
		"UTF-16":  encoded(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder(), text.String()),
		"UTF-8":   text.String(),
	} {
		r, err := decodeText(&peeker{r: strings.NewReader(content)}, "")
		must(t, err)
		got, err := io.ReadAll(r)
		if string(got) != text.String() || err != nil {
			t.Errorf("%s: %d bytes for %d, %v", name, len(got), text.Len(), err)
		}
	}
}

// TestSamplesInTwoEncodings: the two samples hold the same titles but for what GBK
// cannot write.
func TestSamplesInTwoEncodings(t *testing.T) {
	read := func(name string) map[string]bool {
		f, err := os.Open(filepath.Join(sharedData, name))
		if err != nil {
			t.Skipf("%s is not beside this checkout", name)
		}
		defer f.Close()
		d := catalog.NewDraft(nil, now)
		r := importInto(t, d, []File{{name, f}}, Options{})
		for _, l := range r.Rows {
			if l.Outcome != Published && l.Rule != "duplicate_row" {
				t.Errorf("%s row %d: %s", name, l.Row, l.Message)
			}
		}
		p, err := d.Build(t.Context(), catalog.BuildOptions{})
		must(t, err)
		records := map[string]bool{}
		for _, e := range p.Release.Entries {
			records[string(e.Raw)] = true
		}
		return records
	}
	utf8, gbk := read("cn_titles_sample_utf8bom.csv"), read("cn_titles_sample_gbk.csv")
	for r := range gbk {
		if !utf8[r] {
			t.Errorf("only in GBK: %s", r)
		}
	}
	source, err := os.ReadFile(filepath.Join(sharedData, "cn_titles_sample_utf8bom.csv"))
	must(t, err)
	beyond := 0
	for line := range strings.Lines(strings.TrimPrefix(string(source), "\ufeff")) {
		if _, err := simplifiedchinese.GBK.NewEncoder().String(line); err != nil {
			beyond++
		}
	}
	if missing := len(utf8) - len(gbk); missing > beyond || len(gbk) < 350 {
		t.Errorf("%d records in UTF-8, %d in GBK, and GBK cannot write %d lines", len(utf8), len(gbk), beyond)
	}
}

func TestDelimiters(t *testing.T) {
	tests := []struct {
		name, file, content, want string
	}{
		{"semicolon", "a.csv", "成果名称;关键词\n甲成果;轴承,钢\n", "2 published"},
		{"tab", "a.csv", "成果名称\t关键词\n甲成果\t轴承,钢\n", "2 published"},
		{"bar", "a.txt", "成果名称|关键词\n甲成果|轴承,钢\n", "2 published"},
		{"comma in text", "a.txt", "成果名称,关键词\n甲成果,轴承；钢\n", "2 published"},
		{"unknown names", "a.csv", "Alpha;Beta;Title\na;b, c;d\ne;f;g\n", "2 published\n3 published"},
		{"one column of a .txt keeps its commas", "a.txt", "成果名称\n甲,乙\n丙\n", "2 published\n3 published"},
		{"sep=", "a.csv", "sep=|\n成果名称|关键词\n甲成果|a,b\n", "3 published"},
		{"semicolon inside commas", "a.csv", "成果名称,完成单位,关键词\n甲成果,甲院;乙院;丙院,轴承;钢;铁;铜\n", "2 published"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := importInto(t, catalog.NewDraft(nil, now), file(tt.file, tt.content), Options{})
			if got := lines(r); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			for _, c := range r.Columns {
				if strings.ContainsAny(c.Name, ",;|\t") {
					t.Errorf("column %q", c.Name)
				}
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	tests := []struct{ name, content, want string }{
		{"below titles", "2026 年目录,,\n,,\n填报：甲院,,\n序号,成果名称,完成单位\n1,甲成果,甲院\n", "!5 published\n- !4 header"},
		{"numbering", "序号,成果名称,完成单位\n(1),(2),(3)\n1,甲成果,甲院\n", "!3 published"},
		{"numbers as data", "序号,成果名称,完成单位\n3,4,5\n", "!2 published"},
		{"the header again", "序号,成果名称,完成单位\n1,甲成果,甲院\n序 号,成果名称*,完成单位\n2,乙成果,乙院\n", "!2 published\n!4 published\n- !3 header"},
		{"two lines", "成果名称,完成单位,联系方式,,\n,,联系人,手机号,电子邮箱\n甲成果,甲院,a,b,c\n", "!3 published\n- !2 header"},
		{"a first name that is a value", "12,成果名称,完成单位\n1,甲成果,甲院\n", "!2 published"},
		{"no known name", "甲列,乙列\n1,2\n", "!2 refused title/required\n- !0 no_title"},
		{"no known name below a title", "一个标题,\n甲列,乙列\n1,2\n", "!3 refused title/required\n- !2 header\n- !0 no_title"},
		{"a title that is a known name", "成果名称,,\n序号,成果名称,完成单位\n1,甲成果,甲院\n", "!3 published\n- !2 header"},
		{"two columns of one name, neither published", "成果名称,我的列,我的列\n甲成果,1,2\n", "!2 published"},
		{"a column without a name", "成果名称,,完成单位\n甲成果,旁注,甲院\n", "!2 published"},
		{"quoted line breaks", "\"成果\n名称\",简介\n甲成果,\"一\n二\"\n乙成果,\n", "!3 published\n!5 published"},
		{"a cell too long", "成果名称,简介\n甲成果," + strings.Repeat("长", MaxCellLength+1) + "\n", "!2 refused 简介/cell_length"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := importInto(t, catalog.NewDraft(nil, now), file("a.csv", tt.content), Options{})
			if got := placed(r); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestLinesBelowATable: remarks, totals and who filled the table in are no records.
func TestLinesBelowATable(t *testing.T) {
	for line, want := range map[string]string{
		"注：以上数据由科技处某某（0379-00000001）提供,": "- !3 footer\n- !0 P3",
		"注1、保留两位小数":                      "- !3 footer",
		"备注,":                            "- !3 footer",
		"说明：以上均已脱密。":                     "- !3 footer",
		",填表人：某某,填表日期：2026-1-1":          "- !3 footer",
		"制表人某某":                          "- !3 footer",
		"联系人 某某,":                        "- !3 footer",
		"※联系电话：见附件":                      "- !3 footer",
		"合计":                             "- !3 footer",
		"合计,,\"1,234.5\"":                "- !3 footer",
		"小计：12项,":                        "- !3 footer",
		"#N/A":                           "- !3 cell_error",
		"#REF!,#DIV/0!,":                 "- !3 cell_error",
		"丙成果,#N/A":                       "!3 published 简介/cell_error",
		"#VALUE!,丙":                      "!3 refused title/required",
		"注塑机节能控制系统":                      "!3 published",
		"说明书自动生成系统":                      "!3 published",
		"合计算法研究":                         "!3 published",
		"合计,一种合计算法":                      "!3 published",
		"联系人管理系统":                        "!3 published",
		"备注：甲,这里另有内容":                    "!3 published",
	} {
		r := importInto(t, catalog.NewDraft(nil, now), file("a.csv", "成果名称,简介,关键词\n甲成果\n"+line+"\n"), Options{})
		if got := placed(r); got != "!2 published\n"+want {
			t.Errorf("%s:\n%s", line, got)
		}
	}
}

func TestTextAboveATableIsSetAside(t *testing.T) {
	got, rows := setAside(t, file("a.csv", "内部资料,\n成果名称,完成单位\n甲成果,甲院\n")[0])
	if len(got) != 1 || got["cell A1"] != "内部资料" || rows != 1 {
		t.Errorf("set aside %q beside %d rows", got, rows)
	}
}

func TestHostileTexts(t *testing.T) {
	long := strings.Repeat("长", 10<<20/3)
	tests := []struct{ name, file, content, want string }{
		{"a line of 10 MB", "a.csv", "成果名称\n" + long + "\n", "line 2 has more than 4 MiB"},
		{"a first line of 10 MB", "a.csv", long, "line 1 has more than 4 MiB"},
		{"a cell over many lines", "a.csv", "成果名称\n\"" + strings.Repeat(strings.Repeat("长", 1000)+"\n", 4000), "more than 4 MiB in one row"},
		{"a line of 10 MB of JSON", "a.jsonl", `{"title":"` + long + `"}`, "line 1 has more than 4 MiB"},
		{"a JSON value of 10 MB", "a.json", `[{"title":"` + long + `"}]`, "more than 4 MiB in one row"},
		{"a JSON member of 10 MB", "a.json", `{"meta":"` + long + `","data":[]}`, "more than 4 MiB in one row"},
		{"too many columns", "a.csv", strings.Repeat("a,", MaxColumns) + "成果名称\n", "1001 columns"},
		{"quotes that do not match", "a.csv", "成果名称,简介\n甲,\"乙\n丙,\"丁\"\n", "line 3, byte"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			read := &counter{r: strings.NewReader(tt.content)}
			_, err := Import(t.Context(), catalog.NewDraft(nil, now), []File{{tt.file, read}}, Options{Dataset: catalog.Achievements, Publisher: "p"})
			if _, ok := errors.AsType[*FileError](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error = %.300v, want %q", err, tt.want)
			}
			// What never ends is given up after its limit, not after the file.
			if strings.Contains(tt.want, "MiB") && read.n > MaxRowBytes+2<<20 {
				t.Errorf("read %d bytes", read.n)
			}
		})
	}
}

func TestTooManyRows(t *testing.T) {
	m, err := newMapping(catalog.Achievements, nil)
	must(t, err)
	names := []string{"成果名称"}
	few := &table{source: &source{mapping: m}, names: names, shown: names, limit: 2}
	for number := range 4 {
		var last error
		more := few.row(gridRow{number: number, cells: []string{"a"}}, func(_ row, err error) bool {
			last = err
			return true
		})
		if more != (number < 2) || (last != nil) != (number >= 2) {
			t.Errorf("row %d of a table of 2: %v, %v", number, more, last)
		}
	}
	for name, content := range map[string]string{
		"a.jsonl": strings.Repeat("{}\n", MaxRows+1),
		"a.json":  "[{}" + strings.Repeat(",{}", MaxRows) + "]",
	} {
		s := &source{file: File{name, strings.NewReader(content)}, opt: &Options{}, mapping: m}
		rows := 0
		var last error
		for _, err := range s.rows(t.Context()) {
			if last = err; err == nil {
				rows++
			}
		}
		if rows != MaxRows || last == nil || !strings.Contains(last.Error(), "more than 1000000 rows") {
			t.Errorf("%s: %d rows, then %v", name, rows, last)
		}
	}
}

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

func TestLimitsText(t *testing.T) {
	for _, limit := range []string{"64 MiB", "2000", "512 MiB", "200000", "32767", "32"} {
		if text := LimitsText("en") + LimitsText("zh"); !strings.Contains(text, limit) {
			t.Errorf("%s is not in %q", limit, text)
		}
	}
}
