package opendata

import (
	"io"

	"luoshu/catalog"
	"luoshu/catalog/snapshot"
)

// WriteParquet writes the dataset d of s in row groups and pages of that many bytes.
func WriteParquet(w io.Writer, s *snapshot.Snapshot, d catalog.DatasetInfo, groupBytes, pageBytes int) error {
	p := newParquetTable(w, exportTable{dataset: d, manifest: s.Manifest(), hash: s.Hash()})
	p.file.groupBytes, p.file.pageBytes = groupBytes, pageBytes
	for e := range s.All(d.Name) {
		if err := p.record(e.Raw, nil); err != nil {
			return err
		}
	}
	return p.close()
}

// AppendHybrid is how levels and the indexes of a dictionary are written.
func AppendHybrid(values []uint32, width int) []byte { return appendHybrid(nil, values, width) }

// ParquetRecordTo writes a file of one record.
func ParquetRecordTo(w io.Writer, d catalog.Dataset, record string) error {
	info, _ := d.Info()
	p := newParquetTable(w, exportTable{dataset: info, manifest: &catalog.Manifest{}})
	if err := p.record([]byte(record), nil); err != nil {
		return err
	}
	return p.close()
}

// ParquetRecord reports whether a record can be written.
func ParquetRecord(d catalog.Dataset, record string) error {
	return ParquetRecordTo(io.Discard, d, record)
}
