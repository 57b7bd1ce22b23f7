package snapshot

import (
	"slices"
	"strings"
	"testing"

	"luoshu/catalog"
)

func TestTests(t *testing.T) {
	f := facts{"stage": {"pilot"}, "transfer_modes[]": {"license", "joint"}, "abstract": {"已获国家科学技术奖二等奖"}, "division": {"410305"}}
	for _, tt := range []struct {
		test string
		want bool
	}{
		{"", false},
		{"stage", true},
		{"!stage", false},
		{"!registration.number", true},
		{"stage=early|pilot", true},
		{"stage=early", false},
		{"stage=pil", false},
		{"transfer_modes[]=joint", true},
		{"abstract~国家科学技术奖|国家自然科学奖", true},
		{"abstract=国家科学技术奖", false},
		{"*~国家科学技术奖", true},
		{"title~国家科学技术奖", false},
		{"division^4103", true},
		{"division^0305", false},
		{"stage=pilot and division^4103", true},
		{"stage=pilot and division^4104", false},
		{"stage=early or division^4103", true},
		{"stage=early or division^4104", false},
		{"stage=early and title or stage and division", true},
	} {
		parsed, err := parseTest(tt.test)
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed.holds(f); got != tt.want {
			t.Errorf("%q holds: %v", tt.test, got)
		}
	}
	for _, broken := range []string{"=x", "stage=", "stage=a||b", "stage and ", "!", "~x"} {
		if _, err := parseTest(broken); err == nil {
			t.Errorf("%q is taken", broken)
		}
	}
}

// checkTest holds a test against the schema: its fields exist, and its values are
// codes where the field is one.
func checkTest(t *testing.T, d catalog.Dataset, source string) {
	t.Helper()
	parsed, err := parseTest(source)
	if err != nil {
		t.Error(err)
	}
	for _, all := range parsed {
		for _, c := range all {
			dataset, path := d, c.path
			if rest, ok := strings.CutPrefix(path, "owner."); ok {
				dataset, path = catalog.Organizations, rest
			}
			f, ok := catalog.LookupField(dataset, path)
			if !ok && path != "*" {
				t.Errorf("%q: %s has no field %s", source, dataset, path)
			}
			for _, v := range c.values {
				if f.Type == "code" && c.op == "=" {
					if _, ok := catalog.LookupCodeList(f.List).Lookup(v); !ok {
						t.Errorf("%q: %s is no code of %s", source, v, f.List)
					}
				}
			}
		}
	}
}

func TestTablesAgreeWithTheSchema(t *testing.T) {
	names := map[string]bool{}
	rows := catalog.ReadTable(ruleFiles, "conditions.csv")
	if len(rows) > 64 {
		t.Errorf("%d conditions do not fit a conditionSet", len(rows))
	}
	for i, row := range rows {
		c := loadConditions().all[i]
		if names[c.name] || c.points <= 0 || c.text.ZH == "" || c.text.EN == "" || slices.Contains(c.words, "") || !slices.Contains([]string{"who", "must", "may"}, c.role) {
			t.Errorf("conditions.csv: %v", row)
		}
		names[c.name] = true
		for _, path := range c.in {
			if _, ok := catalog.LookupField(catalog.Policies, path); !ok {
				t.Errorf("conditions.csv: %s: policies have no %s", c.name, path)
			}
		}
		checkTest(t, catalog.Achievements, row["achievement"])
		checkTest(t, catalog.Organizations, row["organization"])
	}
	for i, row := range catalog.ReadTable(ruleFiles, "needs.csv") {
		n := loadNeeds()[i]
		if n.points <= 0 || n.why.ZH == "" || n.why.EN == "" || len(n.test) == 0 || row["field"] != "" && row["field"] != "shared" {
			t.Errorf("needs.csv: %v", row)
		}
		if _, ok := catalog.LookupCodeList("service-kind").Lookup(n.kind); !ok {
			t.Errorf("needs.csv: %s is no kind of service", n.kind)
		}
		checkTest(t, n.dataset, row["test"])
	}
	for kind, e := range loadExpectations() {
		if _, ok := catalog.LookupCodeList("demand-kind").Lookup(kind); !ok || e.least < 1 || e.most > 9 || e.least > e.most || e.words.ZH == "" || e.words.EN == "" {
			t.Errorf("expectations.csv: %s %+v", kind, e)
		}
		for _, s := range e.stages {
			if _, ok := catalog.LookupCodeList("stage").Lookup(s); !ok {
				t.Errorf("expectations.csv: %s is no stage", s)
			}
		}
	}
	for mode, modes := range offered {
		if _, ok := catalog.LookupCodeList("coop-mode").Lookup(mode); !ok {
			t.Errorf("%s is no way to cooperate", mode)
		}
		for _, m := range modes {
			if _, ok := catalog.LookupCodeList("transfer-mode").Lookup(m); !ok {
				t.Errorf("%s is no transfer mode", m)
			}
		}
	}
}

func TestPolicies(t *testing.T) {
	type edit = func(p *catalog.Policy, a *catalog.Achievement, o *catalog.Organization)
	plain := func(*catalog.Policy, *catalog.Achievement, *catalog.Organization) {}
	for _, tt := range []struct {
		name                   string
		beneficiary, condition string
		edit                   edit
		achievement            string // what is said for it, empty if it is not offered
		firm                   string
	}{
		{"for firms", "企业", "", plain, "单位是企业，政策写明“企业”", "单位是企业，政策写明“企业”"},
		{"for others", "高校、科研院所", "", plain, "", ""},
		{"for one of several", "高校、企业", "", plain, "单位是企业，政策写明“企业”", "单位是企业，政策写明“企业”"},
		{"asks for nothing that is known", "有关各方", "按有关规定办理", plain, "", ""},
		{"for funds, to the good of firms", "天使投资基金", "基金以股权方式支持科技型企业", plain, "", ""},
		{"certified firms, not certified", "高新技术企业", "", plain, "", ""},
		{"certified firms", "高新技术企业", "", func(_ *catalog.Policy, _ *catalog.Achievement, o *catalog.Organization) {
			o.Designations = []catalog.Designation{{Title: "高新技术企业"}}
		}, "单位是高新技术企业，政策写明“高新技术企业”", "单位是高新技术企业，政策写明“高新技术企业”"},
		{"a prize nobody won", "企业", "成果已获国家科学技术奖", plain, "", ""},
		{"a prize", "企业", "成果已获国家科学技术奖", func(_ *catalog.Policy, a *catalog.Achievement, _ *catalog.Organization) {
			a.Abstract = "2024 年获国家科学技术奖二等奖。"
		}, "记录写明获国家科学技术奖，政策写明“国家科学技术奖”", ""},
		{"publicly funded", "承担财政科技项目的单位", "", func(_ *catalog.Policy, a *catalog.Achievement, _ *catalog.Organization) {
			a.FundingKind = "fiscal"
		}, "成果由财政资金支持，政策写明“财政科技项目”", ""},
		{
			"pilot stage", "", "支持中试", func(_ *catalog.Policy, a *catalog.Achievement, _ *catalog.Organization) { a.Stage = "pilot" },
			"处于中试阶段，政策写明“中试”", "",
		},
		{"another stage", "", "支持中试", func(_ *catalog.Policy, a *catalog.Achievement, _ *catalog.Organization) { a.Stage = "early" }, "", ""},
		{"pledge of granted rights", "企业", "以知识产权作质押", func(_ *catalog.Policy, a *catalog.Achievement, _ *catalog.Organization) {
			a.IPFilingState = "granted"
		}, "有授权知识产权可作质押，政策写明“质押”", "单位是企业，政策写明“企业”"},
		{"a new device", "首台套产品", "", func(_ *catalog.Policy, a *catalog.Achievement, _ *catalog.Organization) {
			a.ResultForms = []string{"equipment"}
		}, "成果是新装备、新产品或新材料，政策写明“首台套”", ""},
		{"expired", "企业", "", func(p *catalog.Policy, _ *catalog.Achievement, _ *catalog.Organization) { p.Status = "expired" }, "", ""},
		{"over yesterday", "企业", "", func(p *catalog.Policy, _ *catalog.Achievement, _ *catalog.Organization) { p.ValidUntil = "2026-11-19" }, "", ""},
		{"over today", "企业", "", func(p *catalog.Policy, _ *catalog.Achievement, _ *catalog.Organization) { p.ValidUntil = "2026-11-20" }, "单位是企业，政策写明“企业”", "单位是企业，政策写明“企业”"},
		{"not yet in force", "企业", "", func(p *catalog.Policy, _ *catalog.Achievement, _ *catalog.Organization) { p.ValidFrom = "2026-12-01" }, "", ""},
		{"of the city", "企业", "", func(p *catalog.Policy, _ *catalog.Achievement, _ *catalog.Organization) { p.Division = "410300" }, "适用于洛阳市", "适用于洛阳市"},
		{"of the district", "企业", "", func(p *catalog.Policy, _ *catalog.Achievement, _ *catalog.Organization) { p.Division = "410305" }, "适用于涧西区", "适用于涧西区"},
		{"of another district", "企业", "", func(p *catalog.Policy, _ *catalog.Achievement, _ *catalog.Organization) { p.Division = "410311" }, "", ""},
		{"of the industry", "企业", "", func(p *catalog.Policy, _ *catalog.Achievement, _ *catalog.Organization) {
			p.Industries = industries("34")
		}, "同属通用设备制造业（34）", "同属通用设备制造业（34）"},
		{"of another industry", "企业", "", func(p *catalog.Policy, _ *catalog.Achievement, _ *catalog.Organization) {
			p.Industries = industries("01")
		}, "", ""},
		{"with a sum", "企业", "", func(p *catalog.Policy, _ *catalog.Achievement, _ *catalog.Organization) {
			p.Amount = &catalog.Money{Max: 1_000_000, Currency: "CNY"}
		}, "金额最高 100 万元", "金额最高 100 万元"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &catalog.Policy{Header: header(catalog.Policies, "一条政策"), Beneficiary: tt.beneficiary, Condition: tt.condition}
			a := &catalog.Achievement{Header: header(catalog.Achievements, "一项成果"), Organizations: []catalog.Party{{ID: "key:firm", Name: "甲厂"}}}
			o := &catalog.Organization{Header: header(catalog.Organizations, "甲厂"), Kinds: []string{"enterprise"}}
			a.Division, o.Division = "410305", "410305"
			a.Industries, o.Industries = industries("3451"), industries("3451")
			tt.edit(p, a, o)
			r, ids := release(t, map[string]catalog.Record{"policy": p, "achievement": a, "firm": o})
			s := snapshotOf(t, r)
			for key, want := range map[string]string{"achievement": tt.achievement, "firm": tt.firm} {
				m, ok := matchesOf(t, s, ids, key, PolicyApplies)["policy"]
				if ok != (want != "") || want != "" && !slices.ContainsFunc(m.Parts, func(p Part) bool { return p.Why.ZH == want }) {
					t.Errorf("%s: offered %v, %+v\nwant %s", key, ok, m.Parts, want)
				}
			}
		})
	}
}

func TestServices(t *testing.T) {
	type edit = func(f *catalog.Service, a *catalog.Achievement, d *catalog.Demand)
	for _, tt := range []struct {
		name, kind, about   string
		edit                edit
		achievement, demand string // what is said for it, empty if it is not offered
	}{
		{"not evaluated", "assessment", "成果评价", func(*catalog.Service, *catalog.Achievement, *catalog.Demand) {}, "尚未评价，可做成果评价", ""},
		{"evaluated", "assessment", "成果评价", func(_ *catalog.Service, a *catalog.Achievement, _ *catalog.Demand) {
			a.EvaluationMode = "acceptance"
		}, "", ""},
		{"self-assessed readiness", "assessment", "就绪度评定", func(_ *catalog.Service, a *catalog.Achievement, _ *catalog.Demand) {
			a.EvaluationMode, a.TRLBasis = "acceptance", "self"
		}, "就绪度为自评，可请第三方评定", ""},
		{"filing planned", "ip", "展前查新", func(_ *catalog.Service, a *catalog.Achievement, _ *catalog.Demand) {
			a.IPFilingState = "planned"
		}, "拟申请知识产权，公开前宜查新和布局", ""},
		{"granted rights", "finance", "知识产权质押贷款", func(_ *catalog.Service, a *catalog.Achievement, _ *catalog.Demand) {
			a.IPFilingState = "granted"
		}, "有授权知识产权，可谈质押融资", ""},
		{"no rights", "finance", "知识产权质押贷款", func(*catalog.Service, *catalog.Achievement, *catalog.Demand) {}, "", ""},
		{"pilot tests of the field", "testing", "中试", func(f *catalog.Service, a *catalog.Achievement, _ *catalog.Demand) {
			a.Stage, f.Industries = "pilot", industries("345")
		}, "处于中期阶段，可做检测和中试", "研制中可做检测和中试"},
		{"pilot tests of another field", "testing", "中试", func(f *catalog.Service, a *catalog.Achievement, _ *catalog.Demand) {
			a.Stage, f.Industries = "pilot", industries("2750")
		}, "", ""},
		{"for technical fields of others", "assessment", "成果评价", func(f *catalog.Service, _ *catalog.Achievement, _ *catalog.Demand) {
			f.TechFields = []string{"agriculture"}
		}, "", ""},
		{"for this technical field", "assessment", "成果评价", func(f *catalog.Service, _ *catalog.Achievement, _ *catalog.Demand) {
			f.TechFields = []string{"agriculture", "manufacturing"}
		}, "同属先进制造领域", ""},
		{"a problem", "transfer", "难题征集", func(*catalog.Service, *catalog.Achievement, *catalog.Demand) {}, "", "可请人把难题拆成指标并公开征集"},
		{"in the district", "assessment", "成果评价", func(f *catalog.Service, _ *catalog.Achievement, _ *catalog.Demand) {
			f.Area = "洛龙区、涧西区"
		}, "服务区域包括涧西区", ""},
		{"in the city", "assessment", "成果评价", func(f *catalog.Service, _ *catalog.Achievement, _ *catalog.Demand) {
			f.Area = "洛阳市"
		}, "服务区域包括涧西区", ""},
		{"in other districts", "assessment", "成果评价", func(f *catalog.Service, _ *catalog.Achievement, _ *catalog.Demand) {
			f.Area = "嵩县、栾川县"
		}, "", ""},
		{"everywhere", "assessment", "成果评价", func(f *catalog.Service, _ *catalog.Achievement, _ *catalog.Demand) {
			f.Area = "全国，嵩县优先"
		}, "尚未评价，可做成果评价", ""},
		{"out of date", "assessment", "成果评价", func(f *catalog.Service, _ *catalog.Achievement, _ *catalog.Demand) {
			f.ValidUntil = "2026-06-30"
		}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &catalog.Service{Header: header(catalog.Services, tt.about), Kind: tt.kind}
			a := &catalog.Achievement{Header: header(catalog.Achievements, "轴承")}
			d := &catalog.Demand{Header: header(catalog.Demands, "齿轮"), Kind: "problem"}
			for _, h := range []*catalog.Header{a.Head(), d.Head()} {
				h.Division, h.Industries, h.TechFields = "410305", industries("3451"), []string{"manufacturing"}
			}
			tt.edit(f, a, d)
			r, ids := release(t, map[string]catalog.Record{"service": f, "achievement": a, "demand": d})
			s := snapshotOf(t, r)
			for key, want := range map[string]string{"achievement": tt.achievement, "demand": tt.demand} {
				m, ok := matchesOf(t, s, ids, key, ServiceFits)["service"]
				if ok != (want != "") || want != "" && !slices.ContainsFunc(m.Parts, func(p Part) bool { return p.Why.ZH == want }) {
					t.Errorf("%s: offered %v, %+v\nwant %s", key, ok, m.Parts, want)
				}
			}
		})
	}
}

func TestAudiencesOf(t *testing.T) {
	for beneficiary, want := range map[string]string{
		"": "",
		"国家级科技成果转移转化（示范）基地的建设单位": "base",
		"市管高校、科研院所等事业单位":         "university institute",
		"技术市场、技术转移中心、大学科技园":      "transfer carrier",
		"有知识产权运用与保护需求的企业和园区":     "enterprise carrier",
		"国家部委举办的国家级创新创业大赛获奖项目":   "award startup",
		"天使投资、创业投资、股权投资和产业投资基金":  "finance",
		"技术转移从业人员、培养基地和开课高校":     "university people",
		"企业、农村合作组织以及高校院所科技人员":    "university institute enterprise people",
		"在孵企业": "enterprise startup",
	} {
		if got := strings.Join(AudiencesOf(beneficiary), " "); got != want {
			t.Errorf("%s is for %q, want %q", beneficiary, got, want)
		}
	}
}
