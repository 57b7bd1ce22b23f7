package snapshot

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"luoshu/catalog"
)

func coded(scheme string, codes ...string) []catalog.Coded {
	var all []catalog.Coded
	for _, c := range codes {
		all = append(all, catalog.Coded{Scheme: scheme, Code: c})
	}
	return all
}

func industries(codes ...string) []catalog.Coded  { return coded("gbt4754-2017", codes...) }
func disciplines(codes ...string) []catalog.Coded { return coded("gbt13745-2009", codes...) }

// matchesOf returns the matches of one kind by the keys of the records.
func matchesOf(t testing.TB, s *Snapshot, ids map[string]catalog.ID, key string, kind MatchKind) map[string]Match {
	t.Helper()
	all, err := s.Matches(ids[key], MaxMatches)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Match{}
	for k, id := range ids {
		for _, m := range all {
			if m.ID == id && m.Kind == kind {
				found[k] = m
			}
		}
	}
	return found
}

func (m Match) part(name string) (Part, bool) {
	for _, p := range m.Parts {
		if p.Name == name {
			return p, true
		}
	}
	return Part{}, false
}

// twoThatFit returns a demand and an achievement whose texts have much in common,
// among others that have not.
func twoThatFit() (*catalog.Demand, *catalog.Achievement, map[string]catalog.Record) {
	d := &catalog.Demand{Header: header(catalog.Demands, "主轴轴承套圈磨削烧伤在线检测")}
	d.Abstract = "用巴克豪森噪声逐件判别磨削烧伤。"
	a := &catalog.Achievement{Header: header(catalog.Achievements, "轴承套圈磨削烧伤巴克豪森噪声判别")}
	a.Abstract = "逐件判别，现场可用。"
	records := map[string]catalog.Record{"demand": d, "achievement": a}
	for i, title := range []string{"牡丹花期预报", "连翘低温干燥设备", "苹果霉心病分选", "铝熔炼炉节能", "供水管网听漏", "手术导板设计", "钢轨波磨机理", "多光谱采集", "储能柜预警"} {
		records[fmt.Sprint("other", i)] = &catalog.Achievement{Header: header(catalog.Achievements, title)}
	}
	return d, a, records
}

func TestReasons(t *testing.T) {
	yuan := func(least, most float64) *catalog.Money {
		return &catalog.Money{Min: least, Max: most, Currency: "CNY"}
	}
	for _, tt := range []struct {
		name   string
		edit   func(d *catalog.Demand, a *catalog.Achievement)
		part   string
		points int
		zh, en string
	}{
		{"keyword", func(d *catalog.Demand, a *catalog.Achievement) {
			d.Keywords, a.Keywords = []string{"磨削烧伤", "Barkhausen"}, []string{"barkhausen", "声发射"}
		}, "keyword", 4, "共有关键词：Barkhausen", "common keywords: Barkhausen"},
		{"industry class", func(d *catalog.Demand, a *catalog.Achievement) {
			d.Industries, a.Industries = industries("4019", "3451"), industries("3421", "3451")
		}, "industry", 16, "同属滚动轴承制造（3451）", "same industry: Manufacture of rolling bearings (3451)"},
		{"industry group", func(d *catalog.Demand, a *catalog.Achievement) {
			d.Industries, a.Industries = industries("3451"), industries("3453")
		}, "industry", 12, "同属轴承、齿轮和传动部件制造（345）", "same industry: Manufacture of bearings, gears and transmission parts (345)"},
		{"industry division", func(d *catalog.Demand, a *catalog.Achievement) {
			d.Industries, a.Industries = industries("3451"), industries("3421")
		}, "industry", 8, "同属通用设备制造业（34）", "same industry: Manufacture of general-purpose machinery (34)"},
		{"industry section, when one says no more", func(d *catalog.Demand, a *catalog.Achievement) {
			d.Industries, a.Industries = industries("C"), industries("3421")
		}, "industry", 3, "同属制造业（C）", "same industry: Manufacturing (C)"},
		{"industries of one section have nothing in common", func(d *catalog.Demand, a *catalog.Achievement) {
			d.Industries, a.Industries = industries("1373"), industries("3421")
		}, "industry", 0, "", ""},
		{"discipline", func(d *catalog.Demand, a *catalog.Achievement) {
			d.Disciplines, a.Disciplines = disciplines("46025"), disciplines("4602515")
		}, "discipline", 8, "同属机械制造工艺与设备学科（46025）", "same discipline: Machinery manufacturing processes and equipment (46025)"},
		{"technical field", func(d *catalog.Demand, a *catalog.Achievement) {
			d.TechFields, a.TechFields = []string{"materials", "manufacturing"}, []string{"manufacturing"}
		}, "tech_field", 4, "同属先进制造领域", "same field: Advanced manufacturing"},
		{
			"ready for use", func(d *catalog.Demand, a *catalog.Achievement) { d.Kind, a.TRL = "acquisition", 7 },
			"trl", 6, "技术就绪度 7，可直接应用", "readiness level 7: can be put to use as it is",
		},
		{
			"nearly ready for use", func(d *catalog.Demand, a *catalog.Achievement) { d.Kind, a.TRL = "acquisition", 6 },
			"trl", 4, "技术就绪度 6，接近技术引进所需的 7 至 9", "readiness level 6; for “Technology acquisition” it should be 7 to 9",
		},
		{
			"not ready for use", func(d *catalog.Demand, a *catalog.Achievement) { d.Kind, a.TRL = "acquisition", 3 },
			"trl", 0, "", "",
		},
		{
			"ready enough for a problem", func(d *catalog.Demand, a *catalog.Achievement) { d.Kind, a.TRL = "problem", 5 },
			"trl", 6, "技术就绪度 5，可用来攻克难题", "readiness level 5: ready enough to be turned on the problem",
		},
		{
			"stage", func(d *catalog.Demand, a *catalog.Achievement) { d.Kind, a.Stage = "acquisition", "mature" },
			"stage", 4, "处于成熟应用阶段，适合技术引进", "stage: Mature application; suits: Technology acquisition",
		},
		{
			"too early a stage", func(d *catalog.Demand, a *catalog.Achievement) { d.Kind, a.Stage = "acquisition", "early" },
			"stage", 0, "", "",
		},
		{"mode", func(d *catalog.Demand, a *catalog.Achievement) {
			d.CoopModes, a.TransferModes = []string{"independent", "assignment"}, []string{"license"}
		}, "mode", 3, "需求方接受技术转让，成果可许可", "the demand takes: Assignment; the result offers: License"},
		{"price within the budget", func(d *catalog.Demand, a *catalog.Achievement) {
			d.Budget, a.Price = yuan(0, 900_000), yuan(605_000, 1_000_000)
		}, "price", 3, "意向价格 60.5 万元起，在预算 90 万元以内", "asking from CNY 605,000, within the budget of CNY 900,000"},
		{"price above the budget", func(d *catalog.Demand, a *catalog.Achievement) {
			d.Budget, a.Price = yuan(0, 900_000), yuan(1_000_000, 0)
		}, "price", 0, "", ""},
		{"price to be agreed", func(d *catalog.Demand, a *catalog.Achievement) {
			d.Budget, a.Price = yuan(0, 900_000), &catalog.Money{Negotiable: true, Currency: "CNY"}
		}, "price", 0, "", ""},
		{"other currencies do not compare", func(d *catalog.Demand, a *catalog.Achievement) {
			d.Budget, a.Price = yuan(0, 900_000), &catalog.Money{Min: 5, Max: 5, Currency: "USD"}
		}, "price", 0, "", ""},
		{
			"same district", func(d *catalog.Demand, a *catalog.Achievement) { d.Division, a.Division = "410305", "410305" },
			"division", 4, "同在涧西区", "both in Jianxi District",
		},
		{
			"a district by its former code", func(d *catalog.Demand, a *catalog.Achievement) { d.Division, a.Division = "410381", "410307" },
			"division", 4, "同在偃师区", "both in Yanshi District",
		},
		{
			"same city", func(d *catalog.Demand, a *catalog.Achievement) { d.Division, a.Division = "410305", "410323" },
			"division", 1, "同在洛阳市", "both in Luoyang",
		},
		{"local first", func(d *catalog.Demand, a *catalog.Achievement) {
			d.Division, a.Division, d.LocalFirst = "410305", "410323", true
		}, "division", 3, "需求方本地优先，同在洛阳市", "the demand puts local results first: both in Luoyang"},
		{"related", func(_ *catalog.Demand, a *catalog.Achievement) {
			a.Relations = []catalog.Relation{{Type: "related", Scheme: "record", Value: "key:demand"}}
		}, "relation", 15, "目录注明的关联：相关", "linked by the catalog: Related"},
		{"an answer", func(_ *catalog.Demand, a *catalog.Achievement) {
			a.Relations = []catalog.Relation{{Type: "answers", Scheme: "record", Value: "key:demand"}, {Type: "related", Scheme: "record", Value: "key:demand"}}
		}, "relation", 30, "目录注明的关联：回应需求", "linked by the catalog: Answers"},
		{"text", func(d *catalog.Demand, a *catalog.Achievement) {
			d.TitleEN, a.TitleEN = "Grinding burn of bearing rings", "Barkhausen noise tells grinding burn"
		}, "text", -1, "共有词：磨削烧伤、", "common words: burn, grinding"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, a, records := twoThatFit()
			d.Industries, a.Industries = industries("3451"), industries("3451")
			tt.edit(d, a)
			if tt.part == "industry" && tt.points < 8 {
				d.Disciplines, a.Disciplines = disciplines("46025"), disciplines("46025")
			}
			r, ids := release(t, records)
			s := snapshotOf(t, r)
			there := matchesOf(t, s, ids, "demand", AchievementFits)
			back := matchesOf(t, s, ids, "achievement", DemandFits)
			m, ok := there["achievement"]
			if !ok || len(there) != 1 || len(back) != 1 {
				t.Fatalf("%d achievements for the demand, %d demands for the achievement", len(there), len(back))
			}
			p, found := m.part(tt.part)
			zh := strings.ReplaceAll(tt.zh, "回应需求", relationLabel(t, "answers"))
			switch {
			case tt.points == 0:
				if found {
					t.Errorf("%+v", p)
				}
			case tt.points < 0:
				if !strings.HasPrefix(p.Why.ZH, "共有词：") || !strings.Contains(p.Why.ZH, "磨削烧伤") || !strings.Contains(p.Why.ZH, "巴克豪森噪声") || p.Why.EN != "common words: burn, grinding" && p.Why.EN != tt.en {
					t.Errorf("%+v", p)
				}
			case p.Points != tt.points || p.Why.ZH != zh || p.Why.EN != tt.en:
				t.Errorf("%+v\nwant %d %s | %s", p, tt.points, zh, tt.en)
			}
			if b := back["demand"]; b.Score != m.Score {
				t.Errorf("%d from the demand, %d from the achievement", m.Score, b.Score)
			}
		})
	}
}

// TestOnlyWhatStands expects nothing that is closed or over, on the day the release
// describes.
func TestOnlyWhatStands(t *testing.T) {
	for _, tt := range []struct {
		name   string
		edit   func(d *catalog.Demand, a *catalog.Achievement)
		demand bool // is offered to the achievement
		result bool // is offered to the demand
	}{
		{"both stand", func(*catalog.Demand, *catalog.Achievement) {}, true, true},
		{"open", func(d *catalog.Demand, _ *catalog.Achievement) { d.Status = "open" }, true, true},
		{"closed", func(d *catalog.Demand, _ *catalog.Achievement) { d.Status = "closed" }, false, true},
		{"matched", func(d *catalog.Demand, _ *catalog.Achievement) { d.Status = "matched" }, false, true},
		{"deadline today", func(d *catalog.Demand, _ *catalog.Achievement) { d.Deadline = "2026-11-20" }, true, true},
		{"deadline yesterday", func(d *catalog.Demand, _ *catalog.Achievement) { d.Deadline = "2026-11-19" }, false, true},
		{"deadline this month", func(d *catalog.Demand, _ *catalog.Achievement) { d.Deadline = "2026-11" }, true, true},
		{"deadline last month", func(d *catalog.Demand, _ *catalog.Achievement) { d.Deadline = "2026-10" }, false, true},
		{"deadline this year", func(d *catalog.Demand, _ *catalog.Achievement) { d.Deadline = "2026" }, true, true},
		{"result out of date", func(_ *catalog.Demand, a *catalog.Achievement) { a.ValidUntil = "2025" }, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, a, records := twoThatFit()
			a.Relations = []catalog.Relation{{Type: "answers", Scheme: "record", Value: "key:demand"}}
			tt.edit(d, a)
			r, ids := release(t, records)
			s := snapshotOf(t, r)
			if _, ok := matchesOf(t, s, ids, "achievement", DemandFits)["demand"]; ok != tt.demand {
				t.Errorf("the demand is offered: %v", ok)
			}
			if _, ok := matchesOf(t, s, ids, "demand", AchievementFits)["achievement"]; ok != tt.result {
				t.Errorf("the achievement is offered: %v", ok)
			}
		})
	}
}

// TestFirmsAndUnits expects an organization to be offered what is of its field, by
// what it is, and not what is its own.
func TestFirmsAndUnits(t *testing.T) {
	d, a, records := twoThatFit()
	d.Industries, a.Industries = industries("3451"), industries("3451")
	unit := func(title string, kinds ...string) *catalog.Organization {
		o := &catalog.Organization{Header: header(catalog.Organizations, title), Kinds: kinds}
		o.Abstract, o.Industries = "生产轴承套圈，磨削为主。", industries("3451")
		return o
	}
	records["firm"] = unit("甲厂", "enterprise")
	records["university"] = unit("乙大学", "university")
	records["bank"] = unit("丙行", "finance")
	records["owner"] = unit("丁厂", "enterprise")
	a.Organizations = []catalog.Party{{ID: "key:owner", Name: "丁厂"}}
	r, ids := release(t, records)
	s := snapshotOf(t, r)
	for _, tt := range []struct {
		key                 string
		achievement, demand bool
	}{{"firm", true, true}, {"university", false, true}, {"bank", false, false}, {"owner", false, true}} {
		_, achievement := matchesOf(t, s, ids, tt.key, AchievementFits)["achievement"]
		_, demand := matchesOf(t, s, ids, tt.key, DemandFits)["demand"]
		if achievement != tt.achievement || demand != tt.demand {
			t.Errorf("%s: achievement %v, demand %v", tt.key, achievement, demand)
		}
	}
}

func TestMatchesOfNothing(t *testing.T) {
	s := demonstration(t)
	if m, err := s.Matches("A0000000", 5); !errors.Is(err, catalog.ErrNotFound) || m != nil {
		t.Errorf("unknown: %v, %v", m, err)
	}
	for d := range catalog.Datasets() {
		for e := range s.All(d.Name) {
			all, err := s.Matches(e.ID, 0)
			if err != nil || len(all) > 0 {
				t.Errorf("%s, none asked for: %v, %v", e.ID, all, err)
			}
			if all, err = s.Matches(e.ID, 3); err != nil || len(kindsFor(d.Name)) == 0 && len(all) > 0 {
				t.Errorf("%s: %v, %v", e.ID, all, err)
			}
		}
	}
}

// TestMatchesTogether asks from many goroutines and expects what one alone gets.
func TestMatchesTogether(t *testing.T) {
	s := demonstration(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for e := range s.All(catalog.Demands) {
				a, err := s.Matches(e.ID, 5+i%2)
				if err != nil {
					t.Error(err)
					return
				}
				b, _ := s.Matches(e.ID, 5+i%2)
				if !reflect.DeepEqual(a, b) {
					t.Errorf("%s: two answers", e.ID)
				}
			}
		})
	}
	wg.Wait()
}

// TestMatchesKeepTheirWord draws catalogs in which words and codes meet often.
func TestMatchesKeepTheirWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(t.Context(), mixedRelease(t))
		if err != nil {
			t.Fatal(err)
		}
		scores := map[[2]catalog.ID]int{}
		limit := rapid.IntRange(1, MaxMatches+5).Draw(t, "limit")
		for _, e := range s.Release().Entries {
			all, err := s.Matches(e.ID, limit)
			if err != nil {
				t.Fatal(err)
			}
			kinds := kindsFor(e.Dataset)
			byKind := map[MatchKind][]Match{}
			for i, m := range all {
				byKind[m.Kind] = append(byKind[m.Kind], m)
				found, err := s.Find(m.ID)
				if m.ID == e.ID || err != nil || found.Dataset != m.Dataset || !slices.Contains(kinds, m.Kind) {
					t.Fatalf("%s: %s %s of %s: %v", e.ID, m.Kind, m.ID, m.Dataset, err)
				}
				if i > 0 && slices.Index(kinds, all[i-1].Kind) > slices.Index(kinds, m.Kind) {
					t.Fatalf("%s: %s after %s", e.ID, m.Kind, all[i-1].Kind)
				}
				sum := 0
				for k, p := range m.Parts {
					if sum += p.Points; p.Points <= 0 || p.Name == "" || p.Why.ZH == "" || p.Why.EN == "" || strings.Contains(p.Why.ZH+p.Why.EN, "%!") || strings.HasSuffix(p.Why.ZH, "：") {
						t.Fatalf("%s, %s: %+v", e.ID, m.ID, p)
					}
					if k > 0 && m.Parts[k-1].Points < p.Points {
						t.Fatalf("%s, %s: parts out of order", e.ID, m.ID)
					}
				}
				if sum != m.Score || sum == 0 {
					t.Fatalf("%s, %s: score %d, parts %d", e.ID, m.ID, m.Score, sum)
				}
				if m.Kind == AchievementFits || m.Kind == DemandFits || m.Kind == Similar {
					scores[[2]catalog.ID{e.ID, m.ID}] = m.Score
				}
			}
			for kind, of := range byKind {
				if len(of) > min(limit, MaxMatches) {
					t.Fatalf("%s: %d of %s, limit %d", e.ID, len(of), kind, limit)
				}
				for i, m := range of[1:] {
					if before := of[i]; before.Score < m.Score || before.Score == m.Score && before.ID >= m.ID {
						t.Fatalf("%s: %s %d after %s %d", e.ID, m.ID, m.Score, before.ID, before.Score)
					}
				}
			}
		}
		for pair, score := range scores {
			if back, ok := scores[[2]catalog.ID{pair[1], pair[0]}]; ok && back != score {
				t.Fatalf("%v: %d and back %d", pair, score, back)
			}
		}
	})
}

// mixedRelease draws a catalog of everything that is matched.
func mixedRelease(t *rapid.T) *catalog.Release {
	word := rapid.SampledFrom(truthWords)
	text := func(least, most int) string {
		return strings.Join(rapid.SliceOfN(word, least, most).Draw(t, "words"), rapid.SampledFrom([]string{"", " ", "，"}).Draw(t, "glue"))
	}
	some := func(from ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, 2, rapid.ID).Draw(t, "some")
	}
	one := func(from ...string) string { return rapid.SampledFrom(append(from, "")).Draw(t, "one") }
	sum := func() *catalog.Money {
		if rapid.Bool().Draw(t, "no money") {
			return nil
		}
		n := float64(rapid.IntRange(1, 9).Draw(t, "sum")) * 12_345
		return &catalog.Money{Min: n, Max: 2 * n, Currency: "CNY"}
	}
	d := catalog.NewDraft(nil, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
	var units []catalog.ID
	for i := range rapid.IntRange(1, 30).Draw(t, "records") {
		h := catalog.Header{
			Title: text(1, 4), Abstract: text(0, 20), Publisher: "p", Keywords: some("轴承", "控制", "涂层"),
			Industries: industries(some("3451", "3453", "34", "C", "0111")...), Disciplines: disciplines(some("46025", "4602515", "520")...),
			TechFields: some("manufacturing", "materials", "agriculture"), Division: one("410305", "410311", "410381", "410300"),
		}
		var owners []catalog.Party
		if len(units) > 0 && rapid.Bool().Draw(t, "owned") {
			owners = []catalog.Party{{ID: rapid.SampledFrom(units).Draw(t, "owner"), Name: "单位"}}
		}
		var r catalog.Record
		switch rapid.IntRange(0, 5).Draw(t, "dataset") {
		case 0:
			h.Dataset = catalog.Demands
			r = &catalog.Demand{
				Header: h, Kind: one("problem", "acquisition", "joint"), CoopModes: some("joint", "equity", "assignment"), Budget: sum(),
				LocalFirst: rapid.Bool().Draw(t, "local"), Status: one("open", "closed"), Organizations: owners,
			}
		case 1:
			h.Dataset = catalog.Organizations
			r = &catalog.Organization{Header: h, Kinds: some("enterprise", "university", "finance", "market")}
		case 2:
			h.Dataset = catalog.Services
			r = &catalog.Service{Header: h, Kind: one("assessment", "ip", "testing", "finance"), Area: one("全国", "洛阳市", "涧西区、洛龙区"), Conditions: one("查新", "就绪度", "质押")}
		case 3:
			h.Dataset, h.Industries = catalog.Policies, nil
			r = &catalog.Policy{Header: h, Beneficiary: one("企业", "高校、科研院所", "孵化器"), Condition: one("知识产权作质押", "中试阶段", "高新技术企业"), Amount: sum(), Status: one("expired", "in-force")}
		default:
			h.Dataset = catalog.Achievements
			r = &catalog.Achievement{
				Header: h, TRL: rapid.IntRange(0, 9).Draw(t, "trl"), Stage: one("early", "pilot", "mature"), TRLBasis: one("self"),
				TransferModes: some("joint", "license", "equity"), IPFilingState: one("granted", "planned"), Price: sum(), Organizations: owners,
			}
		}
		id, source, err := d.Identify(h.Dataset, "p", strconv.Itoa(i))
		if err != nil {
			t.Fatal(err)
		}
		r.Head().ID, r.Head().Source = id, source
		if h.Dataset == catalog.Organizations {
			units = append(units, id)
		}
		e, c, err := d.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Put(e, c); err != nil {
			t.Fatal(err)
		}
	}
	p, err := d.Build(t.Context(), catalog.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p.Release
}
