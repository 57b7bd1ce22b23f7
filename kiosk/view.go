package kiosk

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"luoshu/catalog"
)

// view is what the visitor chose. All of it stands in the query, so that a page can
// be sent, printed and left behind without a trace.
type view struct {
	lang                 string // zh or en
	large, contrast, low bool
	// take are the records collected to take away.
	take []catalog.ID
}

// query returns v and the page of a list as the query of a link: defaults are left
// out and the order is fixed, so that one state has one address.
func (v view) query(page int) string {
	var q []string
	for _, p := range []struct {
		on bool
		s  string
	}{
		{v.lang == "en", "lang=en"},
		{v.large, "type=large"},
		{v.contrast, "contrast=high"},
		{v.low, "reach=low"},
		{len(v.take) > 0, "take=" + taken(v.take)},
		{page > 1, "page=" + strconv.Itoa(page)},
	} {
		if p.on {
			q = append(q, p.s)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + strings.Join(q, "&")
}

// join puts state, parameters without a mark before them, behind query.
func join(query, state string) string {
	switch {
	case state == "":
		return query
	case query == "":
		return "?" + state
	}
	return query + "&" + state
}

// language returns the BCP 47 tag of v's language.
func (v view) language() string { return languageTag(v.lang) }

func languageTag(lang string) string {
	if lang == "en" {
		return "en"
	}
	return "zh-Hans"
}

// text is a piece of text; Lang is its language tag where that is not the page's.
type text struct{ S, Lang string }

// in returns t in the page's language, or in the other one and marked as such.
func (v view) in(t catalog.Text) text {
	s := t.In(v.lang)
	own := t.ZH
	if v.lang == "en" {
		own = t.EN
	}
	if own != "" || s == "" {
		return text{S: s}
	}
	return foreign(v.lang, s)
}

// foreign returns s, which is in the language that lang is not.
func foreign(lang, s string) text {
	if lang == "en" {
		return text{s, languageTag("zh")}
	}
	return text{s, languageTag("en")}
}

// zh returns s, which is Chinese: what publishers write is.
func (v view) zh(s string) text { return v.in(catalog.Text{ZH: s}) }

// texts are the words of the interface in one language, by key.
type texts map[string]string

func loadTexts(files embed.FS) (map[string]texts, error) {
	all := map[string]texts{}
	for _, lang := range []string{"zh", "en"} {
		b, err := files.ReadFile("texts/" + lang + ".json")
		if err != nil {
			return nil, err
		}
		var t texts
		if err := json.Unmarshal(b, &t); err != nil {
			return nil, fmt.Errorf("texts/%s.json: %w", lang, err)
		}
		all[lang] = t
	}
	return all, nil
}

// T returns the text of key with args put in (fmt verbs). A missing key fails the
// page, and therefore a test.
func (t texts) T(key string, args ...any) (string, error) {
	s, ok := t[key]
	if !ok {
		return "", fmt.Errorf("no text %q", key)
	}
	if len(args) > 0 {
		s = fmt.Sprintf(s, args...)
	}
	return s, nil
}
