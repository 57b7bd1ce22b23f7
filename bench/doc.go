// Package bench measures Luoshu beside programs that do the same. It is a module of
// its own, so that its peers are no dependencies of the product.
package bench
