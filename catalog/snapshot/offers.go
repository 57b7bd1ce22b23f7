package snapshot

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"sync"

	"luoshu/catalog"
)

// facts is what a record says, by the path of the field; what the units behind a
// listing say stands under "owner." and the path.
type facts map[string][]string

func (f facts) add(prefix string, r catalog.Record) {
	catalog.Rewrite(r, func(field catalog.Field, s string) string {
		f[prefix+field.Path] = append(f[prefix+field.Path], s)
		return s
	})
}

// readFacts gathers what the subject and the units behind it say.
func (m *matcher) readFacts() error {
	if m.facts != nil {
		return nil
	}
	m.facts = facts{}
	m.facts.add("", m.subject.record)
	for _, party := range partiesOf(m.subject.record) {
		doc, ok := m.s.number(party.ID)
		if !ok {
			continue
		}
		l, err := m.s.listing(doc)
		if err != nil {
			return err
		}
		m.facts.add("owner.", l.record)
	}
	return nil
}

// check is one condition of a test: a field, an operator and values of which one
// must do.
type check struct {
	path   string
	op     string
	values []string
}

// test is alternatives of conditions that must all hold. The empty test never holds.
type test [][]check

// parseTest reads a test: alternatives joined by " or ", conditions by " and ". A
// condition is PATH for a field that is filled, !PATH for one that is not, PATH=A|B
// for one that has one of the values, PATH^A|B for one that begins with one of them,
// and PATH~A|B for one that has one of them in its text. The path * stands for every field.
func parseTest(s string) (test, error) {
	if s == "" {
		return nil, nil
	}
	var t test
	for alternative := range strings.SplitSeq(s, " or ") {
		var all []check
		for condition := range strings.SplitSeq(alternative, " and ") {
			var c check
			switch i := strings.IndexAny(condition, "=~^"); {
			case i >= 0:
				c = check{condition[:i], condition[i : i+1], strings.Split(condition[i+1:], "|")}
			case strings.HasPrefix(condition, "!"):
				c = check{condition[1:], "!", nil}
			default:
				c = check{condition, "", nil}
			}
			if c.path == "" || slices.Contains(c.values, "") {
				return nil, fmt.Errorf("test %q: a condition without field or value: %w", s, catalog.ErrInvalid)
			}
			all = append(all, c)
		}
		t = append(t, all)
	}
	return t, nil
}

func (t test) holds(f facts) bool {
	return slices.ContainsFunc(t, func(all []check) bool {
		return !slices.ContainsFunc(all, func(c check) bool { return !c.holds(f) })
	})
}

func (c check) holds(f facts) bool {
	switch c.op {
	case "!":
		return len(f[c.path]) == 0
	case "":
		return len(f[c.path]) > 0
	}
	if c.path == "*" {
		for _, values := range f {
			if c.among(values) {
				return true
			}
		}
		return false
	}
	return c.among(f[c.path])
}

func (c check) among(values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		return slices.ContainsFunc(c.values, func(want string) bool {
			return v == want || c.op == "~" && strings.Contains(v, want) || c.op == "^" && strings.HasPrefix(v, want)
		})
	})
}

// condition is something policies ask for: the words by which they do, and how to
// tell from a record that it is met.
type condition struct {
	name string
	// role is who (a policy is for one of those it names), must (it asks for all of
	// these), or may (it has to do with it).
	role string
	// audience is whom a policy is for that names this: several conditions may be one.
	audience string
	words    []string
	in       []string // the fields of a policy to look in
	tests    map[catalog.Dataset]test
	// points it is worth to meet it.
	points int
	text   catalog.Text
}

// conditionSet has a bit for every condition.
type conditionSet uint64

// conditions of policies, from conditions.csv, at most 64.
type conditions struct {
	all       []condition
	who, must conditionSet
}

var loadConditions = sync.OnceValue(func() conditions {
	var cs conditions
	for i, row := range catalog.ReadTable(ruleFiles, "conditions.csv") {
		c := condition{
			name: row["name"], role: row["role"], audience: row["audience"], words: strings.Split(row["words"], "|"), in: strings.Split(row["in"], "|"),
			tests: map[catalog.Dataset]test{}, text: catalog.Text{ZH: row["zh"], EN: row["en"]},
		}
		for d, column := range map[catalog.Dataset]string{catalog.Achievements: "achievement", catalog.Organizations: "organization"} {
			c.tests[d] = mustTest(row[column])
		}
		c.points, _ = strconv.Atoi(row["points"])
		switch c.role {
		case "who":
			cs.who |= 1 << i
		case "must":
			cs.must |= 1 << i
		}
		cs.all = append(cs.all, c)
	}
	return cs
})

func mustTest(s string) test {
	t, err := parseTest(s)
	if err != nil {
		panic(err)
	}
	return t
}

// asked returns the conditions whose words a policy holds.
func (cs *conditions) asked(f facts) conditionSet {
	var set conditionSet
	for i, c := range cs.all {
		for _, path := range c.in {
			if (check{path, "~", c.words}).among(f[path]) {
				set |= 1 << i
			}
		}
	}
	return set
}

// met returns the conditions that a record of dataset d meets.
func (cs *conditions) met(d catalog.Dataset, f facts) conditionSet {
	var set conditionSet
	for i, c := range cs.all {
		if c.tests[d].holds(f) {
			set |= 1 << i
		}
	}
	return set
}

// fits reports whether a policy that asks for something is for a record that meets
// something: it is among those the policy is for, and all the policy demands and we
// can tell is met.
func (cs *conditions) fits(asked, met conditionSet) bool {
	return asked&met != 0 && asked&cs.must&^met == 0 && (asked&cs.who == 0 || asked&cs.who&met != 0)
}

// counted returns the conditions of a set that count: of those a policy is for, one
// is enough.
func (cs *conditions) counted(set conditionSet) (counted []*condition, points int) {
	best := -1
	for rest := set & cs.who; rest != 0; rest &= rest - 1 {
		if i := bits.TrailingZeros64(uint64(rest)); best < 0 || cs.all[i].points > cs.all[best].points {
			best = i
		}
	}
	set &^= cs.who
	if best >= 0 {
		set |= 1 << best
	}
	for ; set != 0; set &= set - 1 {
		c := &cs.all[bits.TrailingZeros64(uint64(set))]
		counted = append(counted, c)
		points += c.points
	}
	return counted, points
}

// policyConditions is what every policy asks for, by its place among the policies; 0
// for one that is not in force or asks for nothing that is known. It is read once,
// when it is first needed.
type policyConditions struct {
	once  sync.Once
	asked []conditionSet
	err   error
}

func (s *Snapshot) policyConditions() ([]conditionSet, error) {
	p := &s.asked
	p.once.Do(func() {
		cs := loadConditions()
		in, now := s.spans[catalog.Policies], today(s.Manifest())
		p.asked = make([]conditionSet, in.to-in.from)
		for i := range p.asked {
			l, err := s.listing(uint32(in.from + i))
			if err != nil {
				p.err = err
				return
			}
			if policy, ok := l.record.(*catalog.Policy); ok && inForce(policy, now) {
				f := facts{}
				f.add("", policy)
				p.asked[i] = cs.asked(f)
			}
		}
	})
	return p.asked, p.err
}

func inForce(p *catalog.Policy, today float64) bool {
	return p.Status != "expired" && !over(day([]byte(p.ValidUntil)), today) && day([]byte(p.ValidFrom)) <= today
}

// policies returns the policies that apply to the subject.
func (m *matcher) policies() ([]scored, error) {
	asked, err := m.s.policyConditions()
	if err != nil {
		return nil, err
	}
	if err := m.readFacts(); err != nil {
		return nil, err
	}
	cs := loadConditions()
	met := cs.met(m.subject.entry.Dataset, m.facts)
	top := search{keep: candidates, scratch: &m.scratch}
	top.heap = top.heap[:0]
	for i, a := range asked {
		if cs.fits(a, met) {
			_, points := cs.counted(a & met)
			top.rank(ranked{uint64(points), uint32(m.s.spans[catalog.Policies].from + i)})
		}
	}
	var found []scored
	for _, r := range slices.Clone(top.ranked()) {
		l, err := m.s.listing(r.doc)
		if err != nil {
			return nil, err
		}
		p := pair{m.s, &m.subject, &l}
		parts, ok := p.policyPlace()
		if !ok {
			continue
		}
		policy := facts{}
		policy.add("", l.record)
		counted, _ := cs.counted(asked[int(r.doc)-m.s.spans[catalog.Policies].from] & met)
		for _, c := range counted {
			parts = append(parts, Part{"condition", c.points, c.why(policy)})
		}
		if a := l.record.(*catalog.Policy).Amount; a != nil && max(a.Min, a.Max) > 0 {
			sum := amount(max(a.Min, a.Max), a.Currency)
			why := saidOf("金额 %s", "amount %s", sum)
			if a.Min == 0 {
				why = saidOf("金额最高 %s", "amount at most %s", sum)
			}
			parts = append(parts, Part{"amount", 2, why})
		}
		found = append(found, scored{Match{Parts: parts}, l})
	}
	return found, nil
}

// why words that the condition is met, with the word of the policy.
func (c *condition) why(f facts) catalog.Text {
	for _, path := range c.in {
		for _, word := range c.words {
			if (check{path, "~", []string{word}}).among(f[path]) {
				return saidOf("%s，政策写明“%s”", "%s, as the policy says (“%s”)", c.text, catalog.Text{ZH: word})
			}
		}
	}
	return c.text
}

// policyPlace reports whether the policy p.b holds where p.a is and for its
// industries, as far as both say, and gives the points for it.
func (p *pair) policyPlace() ([]Part, bool) {
	var parts []Part
	subject, policy := divisionNow(p.a.head.Division), divisionNow(p.b.head.Division)
	if subject != "" && policy != "" {
		if cityOf(subject) != cityOf(policy) || policy != cityOf(policy) && policy != subject {
			return nil, false
		}
		points := 1
		if policy == subject && policy != cityOf(policy) {
			points = 4
		}
		parts = append(parts, Part{"division", points, saidOf("适用于%s", "holds in %s", labelOf("division", policy))})
	}
	if len(p.a.head.Industries) > 0 && len(p.b.head.Industries) > 0 {
		points, why := p.industry()
		if points == 0 {
			return nil, false
		}
		parts = append(parts, Part{"industry", points, why})
	}
	return parts, true
}

// need is a use that a listing has for a service.
type need struct {
	dataset catalog.Dataset
	test    test
	kind    string   // of the service
	words   []string // of which the service must have one; none if empty
	field   bool     // the service must be of the listing's field
	points  int
	why     catalog.Text
}

var loadNeeds = sync.OnceValue(func() []need {
	var all []need
	for _, row := range catalog.ReadTable(ruleFiles, "needs.csv") {
		n := need{
			dataset: catalog.Dataset(row["dataset"]), test: mustTest(row["test"]), kind: row["service"],
			field: row["field"] == "shared", why: catalog.Text{ZH: row["zh"], EN: row["en"]},
		}
		if row["words"] != "" {
			n.words = strings.Split(row["words"], "|")
		}
		n.points, _ = strconv.Atoi(row["points"])
		all = append(all, n)
	}
	return all
})

// fieldFloor is from how many points of text two records are of one field, when
// their codes do not say so.
const fieldFloor = 10

// services returns the services that the subject has a use for.
func (m *matcher) services() ([]scored, error) {
	kinds := m.s.kept(catalog.Services, "kind")
	if kinds == nil {
		return nil, nil
	}
	if err := m.readFacts(); err != nil {
		return nil, err
	}
	var needs []need
	// What kind a service is of counts as much as a few words, so that a service
	// that speaks of nothing but itself is among the candidates.
	worth := make([]uint32, kinds.values.len()+1)
	for _, n := range loadNeeds() {
		if i, ok := kinds.values.search(n.kind); ok && n.dataset == m.subject.entry.Dataset && n.test.holds(m.facts) {
			needs = append(needs, n)
			worth[i+1] += uint32(n.points) * textHalf / textPoints
		}
	}
	fields := m.s.sharing("tech_fields[]", catalog.Services, m.subject.head.TechFields)
	docs := m.nearest(catalog.Services, candidates, func(doc uint32) uint32 {
		w := worth[kinds.codes.at(doc-kinds.from)]
		if w > 0 && fields.has(doc) {
			w += 4 * textHalf / textPoints
		}
		return w
	})
	var found []scored
	for _, doc := range docs {
		l, err := m.s.listing(doc)
		if err != nil {
			return nil, err
		}
		if parts := m.service(&l, needs); len(parts) > 0 {
			found = append(found, scored{Match{Parts: parts}, l})
		}
	}
	return found, nil
}

// shared tells which records have one of some values in a field.
type sharing struct {
	column *column
	wanted []bool
}

func (s *Snapshot) sharing(path string, d catalog.Dataset, values []string) sharing {
	c := s.kept(d, path)
	if c == nil {
		return sharing{}
	}
	w := make([]bool, c.values.len()+1)
	for _, v := range values {
		if i, ok := c.values.search(v); ok {
			w[i+1] = true
		}
	}
	return sharing{c, w}
}

func (s *sharing) has(doc uint32) bool {
	if s.column == nil || !s.column.covers(doc, doc+1) {
		return false
	}
	for code := range s.column.codesOf(doc) {
		if s.wanted[code] {
			return true
		}
	}
	return false
}

// service returns the reasons for a service, none when it is of no use here.
func (m *matcher) service(l *listing, needs []need) []Part {
	p := pair{m.s, &m.subject, l}
	var field []Part
	for _, rule := range []struct {
		name string
		rate func(*pair) (int, catalog.Text)
	}{{"industry", (*pair).industry}, {"discipline", (*pair).discipline}, {"tech_field", (*pair).techField}, {"keyword", (*pair).keywords}} {
		if points, why := rule.rate(&p); points > 0 {
			field = append(field, Part{rule.name, points, why})
		}
	}
	text := m.text(l)
	if text >= fieldFloor {
		field = append(field, Part{Name: "text", Points: text})
	}
	related := slices.ContainsFunc(field, func(p Part) bool { return p.Name != "tech_field" })
	sameField := related || slices.ContainsFunc(field, func(p Part) bool { return p.Name == "tech_field" })
	// A service that names its fields is for those alone.
	if len(l.head.TechFields) > 0 && len(m.subject.head.TechFields) > 0 && !sameField {
		return nil
	}
	area, ok := p.area()
	if !ok {
		return nil
	}
	var parts []Part
	service, ok := l.record.(*catalog.Service)
	if !ok {
		return nil
	}
	about := facts{}
	for _, n := range needs {
		if n.kind != service.Kind || n.field && !related {
			continue
		}
		if len(about) == 0 {
			about.add("", service)
		}
		if len(n.words) > 0 && !(check{"*", "~", n.words}).holds(about) {
			continue
		}
		parts = append(parts, Part{"need", n.points, n.why})
	}
	if len(parts) == 0 {
		return nil
	}
	return append(append(parts, field...), area...)
}

// wide are the areas of service that include the whole city and more.
var wide = []string{"全国", "省内", "全省", "河南", "豫西", "中原"}

// area reports whether the service p.b is given where p.a is, as far as its area
// says, and gives a point where it is named.
func (p *pair) area() ([]Part, bool) {
	service, ok := p.b.record.(*catalog.Service)
	code := divisionNow(p.a.head.Division)
	if !ok || code == "" || service.Area == "" {
		return nil, true
	}
	for _, w := range wide {
		if strings.Contains(service.Area, w) {
			return nil, true
		}
	}
	named, here := false, false
	for _, c := range catalog.LookupCodeList("division").Codes() {
		for _, label := range append([]string{c.Label.ZH}, c.Aliases...) {
			if !strings.Contains(service.Area, label) {
				continue
			}
			named = true
			if now := divisionNow(c.Code); now == code || now == cityOf(code) {
				here = true
			}
		}
	}
	if !named {
		return nil, true
	}
	return []Part{{"area", 1, saidOf("服务区域包括%s", "serves %s", labelOf("division", code))}}, here
}
