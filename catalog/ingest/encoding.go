package ingest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	unicodeenc "golang.org/x/text/encoding/unicode"

	"luoshu/catalog"
)

// Encoding names how the characters of a text table are written.
type Encoding string

// The encodings of text tables.
const (
	// AutoEncoding, or "", takes what the file leaves no doubt about: a byte
	// order mark, valid UTF-8, or GB18030 that reads as Chinese.
	AutoEncoding Encoding = "auto"
	UTF8         Encoding = "utf-8"
	// GB18030 reads GBK and GB 2312 too, which it contains.
	GB18030 Encoding = "gb18030"
	// UTF16 needs a byte order mark.
	UTF16 Encoding = "utf-16"
)

func (e Encoding) check() error {
	switch e {
	case "", AutoEncoding, UTF8, GB18030, UTF16:
		return nil
	}
	return catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: "不认识的编码“%s”：可用 auto、utf-8、gb18030、utf-16", EN: "encoding %q: use auto, utf-8, gb18030 or utf-16"}, e)
}

// lookAhead is how much of a text is read before its encoding is settled.
const lookAhead = 1 << 20

// textReader yields the text of a table as UTF-8, line by line. It replaces
// nothing: bytes that are not what the encoding allows end the file with the line
// and the byte, counted from 1. UTF-8 that was declared, by a byte order mark or
// by the operator, passes unchanged, so that a damaged row can be refused alone.
// Of a two-byte encoding that cannot be said: a lost byte takes its line along.
type textReader struct {
	lines    *bufio.Scanner
	encoding Encoding
	// trusted: whoever wrote the file, or reads it, named the encoding.
	trusted bool
	decoder *encoding.Decoder
	feed    []byte // a line feed in the encoding
	line    int
	pending []byte
	failure error
}

var (
	bomUTF8  = []byte("\xef\xbb\xbf")
	bomLE    = []byte("\xff\xfe")
	bomBE    = []byte("\xfe\xff")
	feedUTF8 = []byte("\n")
)

// decodeText settles the encoding of in and returns its text.
func decodeText(in *peeker, wanted Encoding) (*textReader, error) {
	head, err := in.peek(lookAhead)
	if err != nil {
		return nil, err
	}
	t := &textReader{encoding: wanted, feed: feedUTF8, trusted: wanted != "" && wanted != AutoEncoding}
	mark := 0
	declared := Encoding("")
	switch {
	case bytes.HasPrefix(head, bomUTF8):
		declared, mark = UTF8, len(bomUTF8)
	case bytes.HasPrefix(head, bomLE):
		declared, mark = UTF16, len(bomLE)
		t.feed = []byte("\n\x00")
		t.decoder = unicodeenc.UTF16(unicodeenc.LittleEndian, unicodeenc.IgnoreBOM).NewDecoder()
	case bytes.HasPrefix(head, bomBE):
		declared, mark = UTF16, len(bomBE)
		t.feed = []byte("\x00\n")
		t.decoder = unicodeenc.UTF16(unicodeenc.BigEndian, unicodeenc.IgnoreBOM).NewDecoder()
	}
	switch {
	case t.trusted && declared != "" && declared != wanted:
		return nil, refuse(fmt.Sprintf("文件开头的标记表明编码是 %s，而不是 %s", declared, wanted),
			fmt.Sprintf("the file begins with the mark of %s, not of %s", declared, wanted))
	case declared != "":
		t.encoding, t.trusted = declared, true
	case wanted == UTF16:
		return nil, refuse("文件开头没有 UTF-16 的字节顺序标记，请在 Excel 中另存为“Unicode 文本”", "the file has no byte order mark of UTF-16: save it as Unicode Text in Excel")
	case !t.trusted:
		if t.encoding, err = detect(head); err != nil {
			return nil, err
		}
	}
	if t.encoding == GB18030 {
		t.decoder = simplifiedchinese.GB18030.NewDecoder()
	}
	if _, err := io.CopyN(io.Discard, in, int64(mark)); err != nil {
		return nil, err
	}
	t.lines = bufio.NewScanner(in)
	t.lines.Buffer(make([]byte, 0, 1<<16), MaxRowBytes)
	t.lines.Split(t.split)
	return t, nil
}

// split cuts after the line feed, which stays.
func (t *textReader) split(data []byte, atEOF bool) (int, []byte, error) {
	for i := 0; ; i++ {
		n := bytes.Index(data[i:], t.feed)
		if n < 0 {
			break
		}
		// In UTF-16 the two bytes may belong to two characters.
		if i += n; i%len(t.feed) == 0 {
			return i + len(t.feed), data[:i+len(t.feed)], nil
		}
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

func (t *textReader) Read(p []byte) (int, error) {
	for len(t.pending) == 0 {
		if t.failure != nil {
			return 0, t.failure
		}
		if !t.lines.Scan() {
			t.failure = io.EOF
			switch err := t.lines.Err(); {
			case errors.Is(err, bufio.ErrTooLong):
				t.failure = refuse(fmt.Sprintf("第 %d 行超过 %d MiB", t.line+1, MaxRowBytes>>20),
					fmt.Sprintf("line %d has more than %d MiB", t.line+1, MaxRowBytes>>20))
			case err != nil:
				t.failure = err
			}
			continue
		}
		t.line++
		if t.pending, t.failure = t.decodeLine(t.lines.Bytes()); t.failure != nil {
			t.pending = nil
		}
	}
	n := copy(p, t.pending)
	t.pending = t.pending[n:]
	return n, nil
}

func (t *textReader) decodeLine(line []byte) ([]byte, error) {
	if t.encoding == UTF8 {
		if i := bytes.IndexByte(line, 0); i >= 0 {
			return nil, nulAt(t.line, i)
		}
		if i := firstInvalid(line); i >= 0 && !t.trusted {
			return nil, refuse(
				fmt.Sprintf("第 %d 行第 %d 字节起不是 UTF-8，而此前的内容是：文件混用了编码或已损坏，请另存为 UTF-8；也可用 --encoding 指定编码", t.line, i+1),
				fmt.Sprintf("line %d is not UTF-8 from byte %d on, while what comes before is: the file mixes encodings or is damaged; save it as UTF-8, or name the encoding with --encoding", t.line, i+1))
		}
		return line, nil
	}
	if t.encoding == GB18030 && looksUTF8(line) {
		i := bytes.IndexFunc(line, func(r rune) bool { return r >= utf8.RuneSelf })
		return nil, refuse(
			fmt.Sprintf("第 %d 行第 %d 字节起是 UTF-8，而文件是 GB18030/GBK：文件混用了编码，请另存为 UTF-8", t.line, i+1),
			fmt.Sprintf("line %d is UTF-8 from byte %d on, while the file is GB18030/GBK: it mixes encodings; save it as UTF-8", t.line, i+1))
	}
	text, err := t.decoder.Bytes(line)
	if err != nil || bytes.IndexByte(text, 0) >= 0 || bytes.ContainsRune(text, utf8.RuneError) {
		return nil, t.damage(line)
	}
	return text, nil
}

// damage finds the first character of line that cannot be decoded.
func (t *textReader) damage(line []byte) error {
	for i := 0; i < len(line); {
		n := min(t.width(line[i:]), len(line)-i)
		text, err := t.decoder.Bytes(line[i : i+n])
		if err == nil && bytes.Equal(text, []byte{0}) {
			return nulAt(t.line, i)
		}
		if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
			return refuse(
				fmt.Sprintf("第 %d 行第 %d 字节起不是 %s：文件混用了编码或已损坏，请另存为 UTF-8", t.line, i+1, t.encoding),
				fmt.Sprintf("line %d is not %s from byte %d on: the file mixes encodings or is damaged; save it as UTF-8", t.line, t.encoding, i+1))
		}
		i += n
	}
	return refuse(fmt.Sprintf("第 %d 行不是 %s", t.line, t.encoding), fmt.Sprintf("line %d is not %s", t.line, t.encoding))
}

// width returns how many bytes the character at the beginning of b takes.
func (t *textReader) width(b []byte) int {
	if t.encoding == UTF16 {
		if len(b) >= 4 {
			unit := binary.LittleEndian.Uint16(b)
			if t.feed[0] == 0 {
				unit = binary.BigEndian.Uint16(b)
			}
			if unit>>10 == 0xd800>>10 {
				return 4
			}
		}
		return 2
	}
	// GB 18030-2022, 4.2: the second byte tells two bytes from four.
	switch {
	case b[0] < 0x80 || len(b) == 1:
		return 1
	case b[1] >= '0' && b[1] <= '9':
		return 4
	case b[1] < 0x40:
		return 1 // a lost second byte
	}
	return 2
}

func nulAt(line, i int) error {
	return refuse(
		fmt.Sprintf("第 %d 行第 %d 字节是 NUL（零字节）：这不是文本文件，或已损坏", line, i+1),
		fmt.Sprintf("byte %d of line %d is NUL: this is no text file, or a damaged one", i+1, line))
}

// detect returns the encoding that head leaves no doubt about.
func detect(head []byte) (Encoding, error) {
	// What was cut at the end may be half a character.
	whole := head
	if len(head) == lookAhead {
		whole = head[:bytes.LastIndexByte(head, '\n')+1]
	}
	bad := firstInvalid(whole)
	if bad < 0 {
		return UTF8, nil
	}
	line, at := bytes.Count(whole[:bad], feedUTF8)+1, bad-bytes.LastIndexByte(whole[:bad], '\n')
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(whole)
	switch {
	case err == nil && looksChinese(text):
		// A byte that GB18030 does not allow either is found, and named, by decodeLine.
		return GB18030, nil
	case looksUTF8(whole[:bytes.LastIndexByte(whole[:bad], '\n')+1]):
		return UTF8, nil // as above
	}
	return "", refuse(
		fmt.Sprintf("无法确定文件的编码：从第 %d 行第 %d 字节起既不是 UTF-8，也不像 GB18030/GBK 的中文。请另存为 UTF-8，或用 --encoding 指定", line, at),
		fmt.Sprintf("the encoding is not certain: from line %d, byte %d on it is not UTF-8, nor does it read as Chinese in GB18030/GBK; save the file as UTF-8, or name the encoding with --encoding", line, at))
}

// looksUTF8 reports whether b is UTF-8 with Han characters in it. The bytes of
// GBK text are that by accident only in the shortest of texts: a Han character's
// three bytes would have to fall upon rare characters, and the rest to fit.
func looksUTF8(b []byte) bool {
	return firstInvalid(b) < 0 && bytes.IndexFunc(b, func(r rune) bool { return unicode.Is(unicode.Han, r) }) >= 0
}

// looksChinese reports whether text, decoded as GB18030, can be meant that way.
// Bytes of Big5, EUC-KR, EUC-JP, Shift JIS or UTF-8 are mostly valid GB18030 too,
// but read as rare characters: of those in commonHan they held up to 6 in a
// hundred, real titles and names of organizations 50 (measured on 14,000
// characters).
func looksChinese(text []byte) bool {
	common, others := 0, 0
	for _, r := range string(text) {
		switch {
		case r < utf8.RuneSelf:
		case commonHan()[r]:
			common++
		default:
			others++
		}
	}
	return common > 0 && common*4 >= others
}

// commonHan holds the 300 most frequent characters of the column names that the
// program knows, which are those of the field. It is fixed, so that another column
// name never changes how a file is read.
var commonHan = sync.OnceValue(func() map[rune]bool {
	common := map[rune]bool{}
	for _, r := range "一上专业中主举交产人介代件价任份企优会传位体作使例依保信值元先入全公关内决况准出分划创初利别制前办务动助励势包化区单印原" +
		"县参及发取口可台号司合同名向否告员周品围国图在地场址型域基填处奖始姓子字学孵完定实审家容密对就展属工市布带平年序应度开式" +
		"归录形径得心态性总情意成截户所手托批技投报拟持挂指据授接推描提摘支收政效数文新方施日时明易是景有服期本术机权束条来构果查" +
		"标核格案概榜模止段民水求法活派济涉源点熟片牌特状现用申电登的目相省知码研础示社种科积称程究等策签简算管箱类系絡级终绍经结" +
		"统绪编网联聯英范行術补表要见规解计认让记证评识词话详说请象负责质费资起身转载述适邮部量金鉴银链键门间阶限难需面项预领题额" {
		common[r] = true
	}
	return common
})

// firstInvalid returns the offset of the first byte that is not UTF-8, or -1.
func firstInvalid(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}
