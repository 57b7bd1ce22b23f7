package catalog_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"luoshu/catalog"
)

func TestErrorText(t *testing.T) {
	brake := catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: "少了 %d 条", EN: "%d records are gone"}, 3)
	missing := &fs.PathError{Op: "open", Path: "a.csv", Err: fs.ErrNotExist}
	tests := []struct {
		name   string
		err    error
		zh, en string
	}{
		{"in both languages", brake, "少了 3 条", "3 records are gone"},
		{"an error within", catalog.NewTextError(nil, catalog.Text{ZH: "未写入：%v", EN: "not written: %v"}, brake), "未写入：少了 3 条", "not written: 3 records are gone"},
		{"English words around it", fmt.Errorf("import: %w", brake), "少了 3 条", "import: 3 records are gone"},
		{"several", errors.Join(brake, missing), "少了 3 条\n没有这个文件或文件夹：a.csv", "3 records are gone\nopen a.csv: file does not exist"},
		{"a file that is not there", fmt.Errorf("read: %w", missing), "没有这个文件或文件夹：a.csv", "read: open a.csv: file does not exist"},
		{"a store that is away", fmt.Errorf("redis://h: %w", catalog.ErrUnavailable), "存储无法连接，或不应答：redis://h: store unavailable", "redis://h: store unavailable"},
		{"a word for programs", fmt.Errorf("unknown form: %w", catalog.ErrInvalid), "不合规则：unknown form", "unknown form"},
		{"a kind alone", catalog.ErrCheckCharacter, "校验字符不符，编号可能抄错了", "check character does not fit"},
		{"nothing known", errors.New("odd"), "odd", "odd"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if zh, en := catalog.ErrorText(tt.err, "zh"), catalog.ErrorText(tt.err, "en"); zh != tt.zh || en != tt.en {
				t.Errorf("says %q and %q, want %q and %q", zh, en, tt.zh, tt.en)
			}
		})
	}
	if !errors.Is(brake, catalog.ErrInvalid) || !errors.Is(catalog.NewTextError(brake, catalog.Text{EN: "%v"}, missing), fs.ErrNotExist) {
		t.Error("a cause is lost")
	}
}
