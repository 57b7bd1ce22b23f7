package ingest

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf16"
)

// budget fails when more than left bytes are read: what archive/zip reads of a
// directory is not bounded by what the archive claims.
type budget struct {
	io.ReaderAt
	left   int64
	lifted bool
}

var errBudget = errors.New("directory too large")

func (b *budget) ReadAt(p []byte, offset int64) (int, error) {
	if !b.lifted {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, errBudget
		}
	}
	return b.ReaderAt.ReadAt(p, offset)
}

// openArchive opens a ZIP of at most entries entries.
func openArchive(r io.ReaderAt, size int64, entries int) (*zip.Reader, error) {
	// The end record, with the longest comment, and 256 bytes an entry.
	b := &budget{ReaderAt: r, left: 1<<17 + int64(entries)*256}
	z, err := zip.NewReader(b, size)
	switch {
	case errors.Is(err, errBudget) || err == nil && len(z.File) > entries:
		return nil, refuse(fmt.Sprintf("压缩包内超过 %d 项", entries), fmt.Sprintf("the archive has more than %d entries", entries))
	case err != nil:
		return nil, refuseBecause("压缩包已损坏，或不完整", "the archive is damaged or not complete", err)
	}
	b.lifted = true
	return z, nil
}

// checkEntries proves what can be proved of a workbook's archive without
// unpacking it.
func checkEntries(z *zip.Reader) error {
	names := map[string]bool{}
	total := uint64(0)
	for _, f := range z.File {
		name := strings.ReplaceAll(f.Name, "\\", "/")
		folded := strings.ToLower(name)
		total += f.UncompressedSize64
		switch {
		case path.IsAbs(name) || strings.Contains("/"+name+"/", "/../") || strings.ContainsRune(name, 0):
			return refuse("压缩包内有路径越界的项", "the archive has an entry whose path leads out of it")
		case names[folded]:
			return refuse("压缩包内有两项同名", "the archive has two entries of the same name")
		case f.Flags&1 != 0:
			return refuse("压缩包已加密：请在 Excel 中取消密码后另存", "the archive is encrypted: remove the password in Excel and save it again")
		case f.Method != zip.Store && f.Method != zip.Deflate:
			return refuse("压缩包使用了 Excel 不用的压缩方法", "the archive is compressed in a way Excel does not use")
		case f.UncompressedSize64 > MaxUnpackedBytes || total > MaxUnpackedBytes:
			return refuse(fmt.Sprintf("解压后超过 %d MiB", MaxUnpackedBytes>>20), fmt.Sprintf("more than %d MiB when unpacked", MaxUnpackedBytes>>20))
		case f.UncompressedSize64 > ratioFree && f.UncompressedSize64/MaxRatio > f.CompressedSize64:
			return refuse(fmt.Sprintf("压缩比超过 %d，疑为压缩炸弹", MaxRatio), fmt.Sprintf("compressed more than %d times: it may be a ZIP bomb", MaxRatio))
		}
		names[folded] = true
	}
	return nil
}

// isOLE reports whether head begins a compound file: what .xls is, and an
// encrypted workbook (MS-CFB 2.2).
func isOLE(head []byte) bool {
	return len(head) >= 8 && binary.BigEndian.Uint64(head) == 0xd0cf11e0a1b11ae1
}

// refuseOLE says which of the two it is.
func refuseOLE(file *content) error {
	encrypted := false
	for _, piece := range file.pieces {
		// Names of streams stand in the directory in UTF-16 (MS-OFFCRYPTO 2.3.4.4).
		encrypted = encrypted || bytes.Contains(piece, utf16Name("EncryptedPackage"))
	}
	if encrypted {
		return refuse("工作簿设有打开密码：请在 Excel 中打开，取消密码（文件、信息、保护工作簿、用密码进行加密）后保存",
			"the workbook is encrypted: open it in Excel, remove the password (File, Info, Protect Workbook, Encrypt with Password) and save it")
	}
	return refuse("这是旧式 .xls 工作簿：请在 Excel 或 WPS 中打开并另存为 .xlsx", "this is an old .xls workbook: open it in Excel or WPS and save it as .xlsx")
}

func utf16Name(name string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(name)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}
