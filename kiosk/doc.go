// Package kiosk serves the pages people see: the touchscreen in the market hall, the
// same pages on any browser, and the page a phone lands on after scanning a code.
//
// Every page is rendered on the server from one snapshot, needs no script, and
// keeps what the visitor chose (language, large type, contrast, reach) in the query
// alone. Nothing is stored in the browser, and no link leaves the site: an outside
// address is shown as text and as a code to scan.
package kiosk
