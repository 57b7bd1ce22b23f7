// Package ingest turns an operator's files into records: it reads rows, maps
// columns to fields, brings values into form, checks them, and says of every row
// what became of it and why.
//
// The text of a refused row, and of a column that must never be public, stays
// in the file: reports name file, row, column and rule only.
package ingest
