package catalog_test

import (
	"flag"
	"testing"

	"luoshu/catalog/catalogtest"
)

var update = flag.Bool("update", false, "pack the code lists anew")

func TestPacked(t *testing.T) { catalogtest.Packed(t, *update, "codes.zip", "codes/*.csv") }
