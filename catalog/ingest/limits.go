package ingest

import (
	"errors"
	"fmt"

	"luoshu/catalog"
)

// The limits of an input file. What a file says of itself is checked before it
// is parsed, what it turns out to hold while it is read.
const (
	// MaxFileBytes bounds text and JSON files, MaxWorkbookBytes workbooks and
	// MaxBundleBytes bundles, which are held in memory.
	MaxFileBytes     = 2 << 30
	MaxWorkbookBytes = 64 << 20
	MaxBundleBytes   = 512 << 20
	// MaxRowBytes bounds one row of a text file, one object of a JSON file.
	MaxRowBytes = 4 << 20
	// MaxRows bounds text and JSON files, MaxSheetRows each sheet of a workbook.
	MaxRows      = 1_000_000
	MaxSheetRows = 200_000
	// MaxColumns bounds tables, and the members of a JSON object.
	MaxColumns = 1000
	// MaxCells bounds a workbook: cells with something in them, or a format.
	// MaxTexts bounds the different texts in them.
	MaxCells = 10_000_000
	MaxTexts = 5_000_000
	// MaxCellLength is in characters: as many as a spreadsheet cell can hold.
	MaxCellLength = 32_767
	// MaxNesting bounds how deep the values of a JSON object may lie.
	MaxNesting = 32
	// MaxMerges bounds the merged ranges of a sheet.
	MaxMerges = 200_000

	// MaxEntries, MaxUnpackedBytes and MaxRatio bound the ZIP archive that a
	// workbook is. The ratio is that of an entry's size to what it takes in the
	// archive; entries below ratioFree bytes are not worth asking.
	MaxEntries       = 2000
	MaxUnpackedBytes = 512 << 20
	MaxRatio         = 100
	ratioFree        = 1 << 20

	// MaxPartBytes bounds each part of a workbook other than its sheets and texts.
	MaxPartBytes = 16 << 20
)

// LimitsText says the limits for a help text, in "zh" or "en".
func LimitsText(lang string) string {
	return catalog.Text{
		ZH: fmt.Sprintf(`限制（解析之前检查）：
  文本、JSON 文件 %d GiB，工作簿 %d MiB，目录包 %d MiB
  工作簿为压缩包：最多 %d 项，解压后共 %d MiB，单项压缩比 %d
  每行（每个 JSON 对象）%d MiB，嵌套 %d 层
  文本、JSON 文件 %d 行，工作表每张 %d 行，%d 列，每个单元格 %d 字`,
			MaxFileBytes>>30, MaxWorkbookBytes>>20, MaxBundleBytes>>20,
			MaxEntries, MaxUnpackedBytes>>20, MaxRatio,
			MaxRowBytes>>20, MaxNesting,
			MaxRows, MaxSheetRows, MaxColumns, MaxCellLength),
		EN: fmt.Sprintf(`Limits, checked before parsing:
  %d GiB a text or JSON file, %d MiB a workbook, %d MiB a bundle
  a workbook is an archive: %d entries, %d MiB unpacked, ratio %d an entry
  %d MiB a row or JSON object, nested %d deep
  %d rows a text or JSON file, %d rows a sheet, %d columns, %d characters a cell`,
			MaxFileBytes>>30, MaxWorkbookBytes>>20, MaxBundleBytes>>20,
			MaxEntries, MaxUnpackedBytes>>20, MaxRatio,
			MaxRowBytes>>20, MaxNesting,
			MaxRows, MaxSheetRows, MaxColumns, MaxCellLength),
	}.In(lang)
}

// FileError says why a file cannot be read, or not to its end. It wraps
// catalog.ErrInvalid: the file has to be changed, by whoever made it.
type FileError struct {
	catalog.Text
	cause error
}

// Error returns the English text.
func (e *FileError) Error() string { return e.EN }

// Unwrap implements the tree of errors.Is.
func (e *FileError) Unwrap() []error {
	if e.cause == nil {
		return []error{catalog.ErrInvalid}
	}
	return []error{catalog.ErrInvalid, e.cause}
}

// ofFile puts the name of the file before what is wrong with it.
func ofFile(name string, err error) error {
	if e, ok := errors.AsType[*FileError](err); ok {
		return &FileError{catalog.Text{ZH: name + "：" + e.ZH, EN: name + ": " + e.EN}, e.cause}
	}
	return fmt.Errorf("%s: %w", name, err)
}

func refuse(zh, en string) *FileError { return &FileError{Text: catalog.Text{ZH: zh, EN: en}} }

// refuseBecause is refuse with the error that a reader of the format gave.
func refuseBecause(zh, en string, cause error) *FileError {
	return &FileError{Text: catalog.Text{ZH: zh + "：" + cause.Error(), EN: en + ": " + cause.Error()}, cause: cause}
}
