package ingest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"luoshu/catalog"
)

// identify gives every record its key and identifier, in the order of the rows.
func (im *importer) identify() error {
	sameKey := map[string][]*item{}
	for _, it := range im.items {
		if it.record == nil {
			continue
		}
		if len(it.refuse) > 0 {
			key := it.key
			if key == "" {
				key = derivedKey(it.record)
			}
			if id, ok := im.draft.PublishedAs(it.dataset, im.opt.Publisher, key); ok {
				im.stillPublic(it, id)
			}
			continue
		}
		if strings.TrimSpace(it.record.Head().Title) == "" {
			it.refuse = []finding{{"title", "required", "缺少名称", "a title is required"}}
			continue
		}
		if it.origin != nil && it.origin.publisher == im.opt.Publisher {
			im.reclaim(it)
			continue
		}
		if it.key == "" {
			if err := derive(it, sameKey); err != nil {
				return err
			}
		}
		if len(it.refuse) == 0 {
			im.name(it)
		}
	}
	return nil
}

// name gives a record with a key its identifier.
func (im *importer) name(it *item) {
	id, source, err := im.draft.Identify(it.dataset, im.opt.Publisher, it.key)
	if err != nil {
		it.refuse = []finding{{sourceKey, "key", "来源编号不可用：指标须用小写字母和连字符组成的短名，且不与他人重复", "the key cannot be used: an indicator needs a slug that nobody else has"}}
		return
	}
	im.take(it, id, source)
}

// reclaim gives a record of the publisher's own bundle the identity it had.
func (im *importer) reclaim(it *item) {
	e := it.origin.entry
	if source, taken := holder(im.draft.Base(), e.ID); taken && source != e.Source() {
		it.refuse = []finding{{"", "identifier", "目录中另有条目使用编号 " + string(e.ID), "another record of the catalog has the identifier " + string(e.ID)}}
		return
	}
	im.take(it, e.ID, e.Source())
}

// take gives a record its identifier, unless an earlier row has it.
func (im *importer) take(it *item, id catalog.ID, source string) {
	if first := im.taken[id]; first != nil {
		where := catalog.Text{ZH: first.place(it, "zh"), EN: first.place(it, "en")}
		it.refuse = []finding{{sourceKey, "duplicate_key", "与" + where.ZH + "的来源编号相同", "has the same key as " + where.EN}}
		return
	}
	im.taken[id] = it
	it.id = id
	h := it.record.Head()
	h.ID, h.Source, h.Publisher = id, source, im.opt.Publisher
	h.Sample = im.opt.Sample || it.origin != nil && it.origin.sample
}

// place names the row of it for a reader who is at the row of other.
func (it *item) place(other *item, lang string) string {
	where := catalog.Text{ZH: fmt.Sprintf("第 %d 行", it.number), EN: fmt.Sprintf("row %d", it.number)}.In(lang)
	if it.sheet != "" && it.sheet != other.sheet {
		where = catalog.Text{ZH: "工作表“" + it.sheet + "”" + where, EN: where + " of sheet " + it.sheet}.In(lang)
	}
	if it.file == other.file {
		return where
	}
	return catalog.Text{ZH: it.file + " " + where, EN: where + " of " + it.file}.In(lang)
}

// derive makes the key of a record whose source gives none. Of several with the
// same title and organization, one that says exactly what an earlier one says is
// refused; the others are told apart by their order, and that is noted.
func derive(it *item, sameKey map[string][]*item) error {
	it.key = derivedKey(it.record)
	group := string(it.dataset) + "\n" + it.key
	first, err := twin(sameKey[group], it)
	if err != nil {
		return err
	}
	if first != nil {
		it.refuse = []finding{{
			"", "duplicate_row",
			"与" + first.place(it, "zh") + "内容相同，未重复发布",
			"says the same as " + first.place(it, "en") + ", which is published once",
		}}
		return nil
	}
	sameKey[group] = append(sameKey[group], it)
	if n := len(sameKey[group]); n > 1 {
		it.key += "\n" + strconv.Itoa(n)
		first := sameKey[group][0]
		it.notes = append(it.notes, finding{
			"", "same_title",
			"与" + first.place(it, "zh") + "名称和单位相同，按先后次序区分；请提供 source_key 以免次序变动时混淆",
			"has the title and organization of " + first.place(it, "en") + " and is told apart by order: give a source_key, so that a change of order does not mix them up",
		})
	}
	return nil
}

// twin returns the earlier row that says exactly what it says.
func twin(earlier []*item, it *item) (*item, error) {
	if len(earlier) == 0 {
		return nil, nil
	}
	own, err := contentOf(it.record)
	if err != nil {
		return nil, err
	}
	for _, e := range earlier {
		other, err := contentOf(e.record)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(own, other) {
			return e, nil
		}
	}
	return nil, nil
}

// contentOf returns what the source says of r, without what identifies it here.
func contentOf(r catalog.Record) ([]byte, error) {
	h := r.Head()
	saved := *h
	h.ID, h.Source, h.Publisher, h.Sample = "", "", "", false
	b, err := catalog.Canonical(r)
	*h = saved
	return b, err
}

// derivedKey names a record whose source does not: by its registration number,
// else by title and first organization.
func derivedKey(r catalog.Record) string {
	if a, ok := r.(*catalog.Achievement); ok && a.Registration != nil && a.Registration.Number != "" {
		return "registration:" + a.Registration.Number
	}
	key := "title:" + foldHeader(r.Head().Title)
	if o := organizationsOf(r); o != nil && len(*o) > 0 {
		key += "\n" + foldHeader((*o)[0].Name)
	}
	return key
}

// stillPublic tells of a row that must not be public, but whose record is: an
// earlier release had it, and only a withdrawal takes it out.
func (im *importer) stillPublic(it *item, id catalog.ID) {
	it.id = id
	im.report.StillPublic = append(im.report.StillPublic, id)
	it.refuse = append(it.refuse, finding{
		"", "still_public",
		fmt.Sprintf("此行被拒绝，但其较早的内容仍以 %s 公开；要撤下请用 --withdraw %s --reason", id, id),
		fmt.Sprintf("the row is refused, but earlier text of it is still public as %s: take it out with --withdraw %s --reason", id, id),
	})
}

// organizationsOf returns the organizations that r names first, or nil where its
// dataset has none.
func organizationsOf(r catalog.Record) *[]catalog.Party {
	switch r := r.(type) {
	case *catalog.Achievement:
		return &r.Organizations
	case *catalog.Demand:
		return &r.Organizations
	case *catalog.Expert:
		return &r.Organizations
	case *catalog.Event:
		return &r.Organizations
	case *catalog.Edition:
		return &r.Organizations
	case *catalog.Case:
		return &r.Organizations
	}
	return nil
}
