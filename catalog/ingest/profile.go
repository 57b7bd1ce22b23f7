package ingest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"luoshu/catalog"
)

// ReadProfile reads the operator's description of the catalog. A member it does
// not know is an error, so that a slip of the pen is not published as silence, and
// so is a text that must not be public. The error wraps catalog.ErrInvalid.
func ReadProfile(b []byte) (catalog.Profile, error) {
	var p catalog.Profile
	if err := json.Unmarshal(b, &p, json.RejectUnknownMembers(true)); err != nil {
		return p, catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: "目录说明不是有效的 JSON，或有不认识的成员：%v", EN: "profile: it is not valid JSON or has a member that is unknown: %v"}, err)
	}
	if p.Title == (catalog.Text{}) {
		return p, catalog.NewTextError(catalog.ErrInvalid, catalog.Text{ZH: "目录说明缺少名称（title）", EN: "profile: title is missing"})
	}
	if !catalog.ValidCatalogName(p.Catalog) {
		return p, catalog.NewTextError(catalog.ErrInvalid, catalog.Text{
			ZH: "目录说明的 catalog 须为小写字母、数字和连字符组成的短名", EN: "profile: catalog must be a name of lower-case letters, digits and hyphens",
		})
	}
	if p.PublicURL != "" {
		var err error
		if p.PublicURL, err = catalog.ParseBaseURL(p.PublicURL); err != nil {
			return p, catalog.NewTextError(catalog.ErrInvalid, catalog.Text{
				ZH: "目录说明的 public_url 不是 https://luoshu.example 一类的网址（不带查询和用户名）",
				EN: "profile: public_url is not an address such as https://luoshu.example, without query and user",
			})
		}
	}
	for _, t := range profileTexts(&p) {
		if err := ScreenText(catalog.Text{ZH: "目录说明的 " + t.path, EN: "profile: " + t.path}, t.text); err != nil {
			return p, err
		}
	}
	return p, nil
}

// placedText is a text with where it stands.
type placedText struct{ path, text string }

// profileTexts returns what a profile says to the public, but for the telephones of
// desks, which are there to be called.
func profileTexts(p *catalog.Profile) []placedText {
	all := []placedText{{"license.url", p.License.URL}, {"license.spdx", p.License.SPDX}, {"public_url", p.PublicURL}}
	both := func(path string, t catalog.Text) {
		all = append(all, placedText{path + ".zh", t.ZH}, placedText{path + ".en", t.EN})
	}
	both("title", p.Title)
	both("publisher", p.Publisher)
	both("license.name", p.License.Name)
	for i, d := range p.Desks {
		at := fmt.Sprintf("desks[%d].", i)
		both(at+"name", d.Name)
		both(at+"address", d.Address)
		both(at+"hours", d.Hours)
	}
	for i, t := range p.Terminals {
		both(fmt.Sprintf("terminals[%d].placement", i), t.Placement)
	}
	for i, s := range p.Schemes {
		at := fmt.Sprintf("schemes[%d].", i)
		both(at+"title", s.Title)
		for j, c := range s.Codes {
			at := fmt.Sprintf("%scodes[%d]", at, j)
			all = append(all, placedText{at + ".code", c.Code})
			both(at, c.Text)
		}
	}
	return all
}

// ResolveProfile turns the markets that p names by the publisher's keys ("key:…")
// into identifiers. A market that the release will not hold is an error: its desk
// would be shown to nobody, its terminal stand nowhere.
func ResolveProfile(draft *catalog.Draft, publisher string, p *catalog.Profile) error {
	resolve := func(market *catalog.Ref, missing catalog.Text, which any) error {
		if key, ok := strings.CutPrefix(string(*market), keyPrefix); ok {
			id, _, err := draft.Identify(catalog.Organizations, publisher, key)
			if err != nil {
				return fmt.Errorf("profile: market %s: %w", key, err)
			}
			*market = id
		}
		if *market != "" && !draft.Has(*market) {
			return catalog.NewTextError(catalog.ErrInvalid, missing, which)
		}
		return nil
	}
	for i := range p.Desks {
		missing := catalog.Text{ZH: "目录说明中第 %d 个服务台的市场不在机构条目中", EN: "profile: the market of desk %d is not among the organizations"}
		if err := resolve(&p.Desks[i].Market, missing, i+1); err != nil {
			return err
		}
	}
	for i := range p.Terminals {
		t := &p.Terminals[i]
		missing := catalog.Text{ZH: "目录说明中终端 %s 的市场不在机构条目中", EN: "profile: the market of terminal %s is not among the organizations"}
		if err := errors.Join(resolve(&t.Market, missing, t.ID), resolve(&t.Desk, missing, t.ID)); err != nil {
			return err
		}
	}
	return nil
}
