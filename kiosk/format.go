package kiosk

import (
	"math"
	"strconv"
	"strings"
	"time"

	"luoshu/catalog"
)

// beijing is the time zone of the catalog's readers; it has had no daylight saving
// since 1991, so no zone file is needed.
var beijing = time.FixedZone("CST", 8*60*60)

// formatDate returns d, a day, month or year, as it is written in lang.
func formatDate(d catalog.Date, lang string) string {
	for _, layout := range []struct{ in, zh, en string }{
		{time.DateOnly, "2006年1月2日", "2 January 2006"},
		{"2006-01", "2006年1月", "January 2006"},
		{"2006", "2006年", "2006"},
	} {
		if t, err := time.Parse(layout.in, string(d)); err == nil {
			if lang == "en" {
				return t.Format(layout.en)
			}
			return t.Format(layout.zh)
		}
	}
	return string(d)
}

// formatTime returns t to the minute, in Beijing time.
func formatTime(t time.Time, lang string) string {
	t = t.In(beijing)
	return formatDate(catalog.Date(t.Format(time.DateOnly)), lang) + t.Format(" 15:04")
}

// formatNumber returns v in full, thousands set apart.
func formatNumber(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction
}

// formatLarge returns v as it is said in lang: from a hundred thousand upwards in
// 亿 and 万, in English from a million upwards in billions and millions, wherever that
// loses nothing.
func formatLarge(v float64, lang string) string {
	if lang == "en" {
		number, scale := scale(v, englishScales)
		return number + scale
	}
	if v < 1e5 {
		return formatNumber(v)
	}
	number, scale := scale(v, chineseScales)
	return number + scale
}

// currencies are the Chinese names of the currencies that occur; another is
// written with its code (ISO 4217).
var currencies = map[string]string{"CNY": "元", "USD": "美元", "EUR": "欧元", "HKD": "港元", "JPY": "日元", "GBP": "英镑"}

// formatMoney returns m as it is said in lang: 30万元, 最高100万元, 面议; CNY 300,000.
// It is empty where m gives neither an amount nor says that it is open.
func formatMoney(m catalog.Money, lang string) string {
	if lang == "en" {
		return moneyEN(m)
	}
	return moneyZH(m)
}

func moneyEN(m catalog.Money) string {
	low, high := formatNumber(m.Min), formatNumber(m.Max)
	s := ""
	switch {
	case m.Min > 0 && m.Max == m.Min:
		s = m.Currency + " " + low
	case m.Min > 0 && m.Max > 0:
		s = m.Currency + " " + low + "–" + high
	case m.Max > 0:
		s = "up to " + m.Currency + " " + high
	case m.Min > 0:
		s = "from " + m.Currency + " " + low
	}
	switch {
	case m.Negotiable && s == "":
		return "negotiable"
	case m.Negotiable:
		return s + ", negotiable"
	}
	return s
}

func moneyZH(m catalog.Money) string {
	unit := currencies[m.Currency]
	if unit == "" {
		unit = " " + m.Currency
	}
	low, lowScale := scale(m.Min, chineseScales)
	high, highScale := scale(m.Max, chineseScales)
	s := ""
	switch {
	case m.Min > 0 && m.Max == m.Min:
		s = low + lowScale + unit
	case m.Min > 0 && m.Max > 0 && lowScale == highScale:
		s = low + "–" + high + highScale + unit
	case m.Min > 0 && m.Max > 0:
		s = low + lowScale + unit + "–" + high + highScale + unit
	case m.Max > 0:
		s = "最高" + high + highScale + unit
	case m.Min > 0:
		s = "不低于" + low + lowScale + unit
	}
	switch {
	case m.Negotiable && s == "":
		return "面议"
	case m.Negotiable:
		return s + "，可面议"
	}
	return s
}

// unit is a name for a power of ten.
type unit struct {
	factor float64
	name   string
}

var (
	chineseScales = []unit{{1e8, "亿"}, {1e4, "万"}}
	englishScales = []unit{{1e9, " billion"}, {1e6, " million"}}
)

// scale returns v in the first of units that takes no more than two decimals, else
// in full.
func scale(v float64, units []unit) (number, name string) {
	for _, u := range units {
		if n := v / u.factor; n >= 1 && math.Abs(n*100-math.Round(n*100)) < 1e-9*n {
			return formatNumber(math.Round(n*100) / 100), u.name
		}
	}
	return formatNumber(v), ""
}
