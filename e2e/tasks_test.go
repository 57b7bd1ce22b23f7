package e2e

import (
	"strings"
	"testing"
)

// What a task may take: the taps besides those on the keys, and how far a finger may
// scroll, in screens.
const (
	mostTaps   = 8
	mostScroll = 1
)

// task is what a visitor comes for. It begins on the home page; do ends where the answer
// is to be seen. What do is told in both languages it asks say for.
type task struct {
	zh, en string
	do     func(v *visitor, say func(zh, en string) string)
}

// tasks are told to people in docs/tasks.md.
var tasks = []task{
	{"用首字母找一项轴承技术", "Find a bearing technology by initials", func(v *visitor, say func(zh, en string) string) {
		v.follow("a.door.center")
		v.strike("zc")
		v.follow(".suggestions .term a", "轴承")
		v.follow(".tabs a", say("成果", "Achievements"))
		v.follow(".results .card h3 a")
		v.see(".detail .eyebrow", say("成果", "Achievement"))
		v.onScreen("h1")
	}},
	{"新材料里哪些到了 TRL 7", "What is TRL 7 in new materials", func(v *visitor, say func(zh, en string) string) {
		v.follow(".more a", say("地图", "Map"))
		v.follow(".views a", say("成熟度", "Readiness"))
		v.follow(".chips a", say("新材料", "New materials"))
		v.follow(".ladder a", "TRL 7")
		v.onScreen(".found", "8")
		v.onScreen(".results .level", "TRL 7")
	}},
	{"谁能评估我的专利", "Who can value my patent", func(v *visitor, say func(zh, en string) string) {
		v.follow("a.door", say("服务", "Services"))
		v.follow(".answers a", say("技术评价", "Technology assessment"))
		v.follow(".results .card h3 a", say("专利价值", "atent"))
		v.onScreen(".slim .owner")
		v.onScreen(".offer dd .mono") // a telephone number
	}},
	{"我的初创企业能得到多少钱", "Which sums could my start-up get", func(v *visitor, say func(zh, en string) string) {
		v.follow("a.door", say("政策", "Policies"))
		v.follow(".answers a", say("初创", "start-up"))
		v.follow(".answers a", say("不限", "All"))
		v.onScreen(".measure .sum b")
		if n := v.count(".measure"); n == 0 || v.count("li:not(:has(.sum b)) ~ li .sum b") > 0 {
			v.t.Errorf("of %d measures those with a sum do not stand first", n)
		}
	}},
	{"我这个区县的市场有什么", "What does my county market offer", func(v *visitor, say func(zh, en string) string) {
		v.follow(".more a", say("市场", "Markets"))
		v.follow(".branches .own a")
		v.follow(".tallies a", say("成果", "Achievements"))
		v.onScreen(".found", "24")
	}},
	{"找一位懂新材料的专家", "Find the expert for new materials", func(v *visitor, say func(zh, en string) string) {
		v.follow("a.door", say("专家", "Experts"))
		v.follow(".answers a", say("新材料", "New materials"))
		v.follow(".answers a", say("不限", "All"))
		v.follow(".results .card h3 a")
		v.see(".detail .eyebrow", say("专家", "Expert"))
		v.onScreen("h1")
	}},
	{"这项专利是真的吗", "Is this patent real", func(v *visitor, say func(zh, en string) string) {
		v.follow("a.door.center")
		v.tap("#keyboard [data-do=panel]")
		v.strike("ZL202319900701.7")
		v.follow("#keyboard [data-do=search]")
		v.follow(".results .card h3 a")
		v.follow(".tabs a", say("专利与依据", "Patents"))
		v.onScreen("dd", "ZL202319900701.7")
		v.onScreen("dd", say("校验通过", "passed"))
	}},
	{"怎样发布一条需求", "How do I post a need", func(v *visitor, _ func(zh, en string) string) {
		v.follow(".more a[href^='/join']")
		v.onScreen(".steps li:last-child")
		v.onScreen(".plate .code")
	}},
	{"这个月有什么活动", "What happens this month", func(v *visitor, say func(zh, en string) string) {
		v.follow("a.door", say("活动", "Events"))
		v.onScreen(".months h2", say("2026年11月", "November 2026"))
		v.onScreen(".day time[datetime='2026-11-24']")
	}},
	{"带走三条成果", "Take three listings home", func(v *visitor, say func(zh, en string) string) {
		v.follow("a.door", say("成果", "Achievements"))
		for range 3 {
			v.follow(".grab:not(.on)")
		}
		v.follow(".bar .to-take a", "3")
		v.onScreen(".plate .code")
		if v.count(".cards .card") != 3 {
			v.t.Errorf("%d listings were taken", v.count(".cards .card"))
		}
	}},
}

// TestTasks does what visitors come for as they would, by touch alone, and counts.
func TestTasks(t *testing.T) {
	s := hall(t, portrait)
	for _, lang := range languages {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			v := visit(t, s, portrait)
			for _, k := range tasks {
				say := func(zh, en string) string { return map[string]string{"zh": zh, "en": en}[lang] }
				v.open("/?lang=" + lang)
				v.taps, v.keys, v.scrolled = 0, 0, 0
				k.do(v, say)
				screens := v.scrolled / float64(v.screen.height)
				t.Logf("%d taps, %2d keys, %.1f screens: %s", v.taps, v.keys, screens, say(k.zh, k.en))
				if v.taps > mostTaps || screens > mostScroll {
					t.Errorf("%s takes %d taps and %.1f screens", say(k.zh, k.en), v.taps, screens)
				}
			}
		})
	}
}

// strike types on the keys of the screen; these taps are counted apart.
func (v *visitor) strike(keys string) {
	v.t.Helper()
	for _, k := range strings.Split(keys, "") {
		v.tap("#keyboard button[data-key='" + k + "']")
		v.taps--
		v.keys++
	}
}

// onScreen swipes until the element is on the screen, if it is not.
func (v *visitor) onScreen(selector string, text ...string) {
	v.t.Helper()
	v.see(selector, text...)
	if !must[bool](v, `(selector, text) => {`+find+`
		const b = found[0].getBoundingClientRect();
		return b.top >= 0 && b.bottom <= (document.querySelector(".pager, .bar")?.getBoundingClientRect().top ?? innerHeight);
	}`, selector, strings.Join(text, "")) {
		v.approach(selector, text...)
	}
}
