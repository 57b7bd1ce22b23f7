// Package e2e meets the program as people do: it starts the real binary and drives a
// real Chromium by touch. It is made of tests alone and no part of the product (ADR 11).
//
// A test serves a catalog, visits it on a screen, and says what a person does and sees:
//
//	func TestVisitorReadsAnAchievement(t *testing.T) {
//		s := serve(t) // the demonstration
//		v := visit(t, s, portrait)
//		v.open("/?lang=en")
//		v.follow("a.door", "Achievements") // a tap that leads to another page
//		v.follow(".card a")
//		v.see("h1")
//		v.axe()
//		v.shot("achievement")
//	}
//
// A selector is CSS; a text after it asks for the first visible match that contains it.
// Whatever waits does so until the page is ready; no test sleeps. A finger reaches only
// what is on the screen: swipe first.
//
// Every visit is watched. At its end the test fails for each request that left the
// server, error on the console, exception, dialog, or complaint of the browser (policy
// violations among them), unless the test forgave it beforehand.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

var (
	// screens is where shot puts its pictures.
	screens = flag.String("screens", "", "directory for pictures of the pages; none are taken without")
	all     = flag.Bool("all", false, "look at every page in every language and mode and on every screen, which takes long")
)

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(closing{m})
}

// closing ends the browser and the servers with the tests, before anybody looks for what they left.
type closing struct{ *testing.M }

func (c closing) Run() int {
	code := c.M.Run()
	closeBrowser()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	_ = os.RemoveAll(buildDir)
	return code
}
