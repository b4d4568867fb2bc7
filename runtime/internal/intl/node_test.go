package intl_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/internal/dates"
	"github.com/fazt-sh/fazt/runtime/internal/intl"
	"github.com/fazt-sh/fazt/runtime/internal/literal"
)

// question is something to be formatted, here and in Node.
type question struct {
	Kind    string            `json:"kind"`
	Locale  string            `json:"locale"`
	Options map[string]string `json:"options"`
	Value   float64           `json:"value"`
	Unit    string            `json:"unit"`
	List    []string          `json:"list"`
}

// onNode is what Node answers, in one process. Options that are numbers or booleans are
// texts in a question.
func onNode(t *testing.T, list []question) (results []string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("FAZT_NODE") == "required" {
			t.Fatal("node is not on the PATH, and FAZT_NODE=required")
		}
		t.Skip("SKIPPED: node is not on the PATH; install Node 18 or newer to compare with it")
	}
	in, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "-e", `
		const answer = q => {
			const o = q.options || {};
			for (const k in o) if (o[k] === 'true' || o[k] === 'false') o[k] = o[k] === 'true';
			switch (q.kind) {
			case 'NumberFormat': return new Intl.NumberFormat(q.locale, o).format(q.value);
			case 'DateTimeFormat': return new Intl.DateTimeFormat(q.locale, o).format(q.value);
			case 'PluralRules': return new Intl.PluralRules(q.locale, o).select(q.value);
			case 'RelativeTimeFormat': return new Intl.RelativeTimeFormat(q.locale, o).format(q.value, q.unit);
			case 'ListFormat': return new Intl.ListFormat(q.locale, o).format(q.list);
			}
		};
		const list = JSON.parse(require('fs').readFileSync(0, 'utf8'));
		console.log(JSON.stringify(list.map(q => { try { return answer(q); } catch (e) { return e.name; } })))`)
	cmd.Stdin = strings.NewReader(string(in))
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=en_US.UTF-8")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatal(err)
	}
	return results
}

// answer is ours; refused is set for what isn't there.
func answer(q question) (text string, refused bool) {
	fail := func(err error) (string, bool) {
		var e *runtime.HostError
		if !errors.As(err, &e) {
			return err.Error(), false
		}
		return e.Name, strings.Contains(e.Message, "there") || strings.Contains(e.Message, "beside") || strings.Contains(e.Message, "between")
	}
	l, err := intl.Find([]string{q.Locale})
	if err != nil {
		return fail(err)
	}
	get := func(name string) (string, bool) { v, ok := q.Options[name]; return v, ok }
	value := literal.FormatNumber(q.Value)
	switch q.Kind {
	case "NumberFormat":
		f, err := intl.NewNumberFormat(l, get)
		if err != nil {
			return fail(err)
		}
		return intl.Text(f.Format(value)), false
	case "DateTimeFormat":
		f, err := intl.NewDateTimeFormat(l, get, "any", "date")
		if err != nil {
			return fail(err)
		}
		return intl.Text(f.Format(dates.Clip(q.Value))), false
	case "PluralRules":
		f, err := intl.NewPluralRules(l, get)
		if err != nil {
			return fail(err)
		}
		return f.Select(value), false
	case "RelativeTimeFormat":
		f, err := intl.NewRelativeTimeFormat(l, get)
		if err != nil {
			return fail(err)
		}
		parts, err := f.Format(value, q.Unit)
		if err != nil {
			return fail(err)
		}
		return intl.Text(parts), false
	}
	f, err := intl.NewListFormat(l, get)
	if err != nil {
		return fail(err)
	}
	return intl.Text(f.Format(q.List)), false
}

// choices are values of options, at random; some of them are left out.
var choices = map[string]map[string][]string{
	"NumberFormat": {
		"style": {"decimal", "percent", "currency", "currency"}, "currency": {"USD", "EUR", "JPY", "GBP", "CHF", "PLN", "INR", "KWD", "XOF", "BRL"},
		"currencyDisplay": {"symbol", "narrowSymbol", "code"}, "currencySign": {"standard", "accounting"}, "useGrouping": {"true", "false", "always", "min2", "auto"},
		"minimumFractionDigits": {"0", "1", "2", "5"}, "maximumFractionDigits": {"0", "1", "2", "5"}, "minimumIntegerDigits": {"1", "3"},
		"maximumSignificantDigits": {"1", "3", "5"}, "minimumSignificantDigits": {"1", "2"}, "signDisplay": {"auto", "always", "never", "exceptZero", "negative"},
		"notation": {"standard", "standard", "standard", "compact", "scientific", "engineering"}, "compactDisplay": {"short", "long"}, "trailingZeroDisplay": {"auto", "stripIfInteger"},
	},
	"DateTimeFormat": {
		"weekday": {"long", "short", "narrow"}, "year": {"numeric", "2-digit"}, "month": {"numeric", "2-digit", "long", "short", "narrow"}, "day": {"numeric", "2-digit"},
		"hour": {"numeric", "2-digit"}, "minute": {"numeric", "2-digit"}, "second": {"numeric", "2-digit"}, "fractionalSecondDigits": {"1", "3"},
		"hour12": {"true", "false"}, "timeZone": {"UTC", "America/New_York", "Asia/Kolkata"}, "timeZoneName": {"short", "long", "shortOffset", "longOffset"},
	},
	"styles": {
		"dateStyle": {"full", "long", "medium", "short"}, "timeStyle": {"full", "long", "medium", "short"}, "hour12": {"true", "false"}, "timeZone": {"UTC", "America/New_York", "Asia/Kolkata"},
	},
	"PluralRules":        {"type": {"cardinal", "ordinal"}, "minimumFractionDigits": {"1", "2"}},
	"RelativeTimeFormat": {"numeric": {"always", "auto"}, "style": {"long", "short", "narrow"}},
	"ListFormat":         {"type": {"conjunction", "disjunction", "unit"}, "style": {"long", "short", "narrow"}},
}

// presence is how often an option is there, in percent, where that isn't a half.
var presence = map[string]int{"style": 70, "notation": 30, "maximumSignificantDigits": 15, "minimumSignificantDigits": 10, "minimumIntegerDigits": 20, "currency": 100,
	"fractionalSecondDigits": 10, "timeZoneName": 15, "timeZone": 80, "signDisplay": 25, "useGrouping": 30}

func TestAgainstNode(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: texts compared with Node, in one goroutine")
	}
	r := rand.New(rand.NewPCG(3, 8))
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	numbers := []float64{0, -0.4, 1, 2, 3, 5, 11, 21, 22, 101, 999.5, 1000, 1234.5, -1234.567, 9999.995, 12345, 1e6, 2e6, 1234567.891, -987654321, 0.1, 0.000012345, 1.005, 1e21, 1.5, 8, 80, 18}
	times := []float64{1709201167008, 3600000, 1234567890123, 1704110400000 - 3600000*3, 1720000000000 + 86400000*200, 1720000000000}
	var list []question
	for len(list) < 4000 {
		name := pick([]string{"NumberFormat", "NumberFormat", "DateTimeFormat", "DateTimeFormat", "DateTimeFormat", "styles", "PluralRules", "RelativeTimeFormat", "ListFormat"})
		q := question{Kind: name, Locale: pick(intl.Names()), Options: map[string]string{}, Value: numbers[r.IntN(len(numbers))]}
		for _, option := range slices.Sorted(maps.Keys(choices[name])) {
			values := choices[name][option]
			chance, ok := presence[option]
			if !ok {
				chance = 40
			}
			if v := pick(values); r.IntN(100) < chance {
				q.Options[option] = v
			}
		}
		switch name {
		case "styles":
			q.Kind = "DateTimeFormat"
			q.Value = times[r.IntN(len(times))]
		case "DateTimeFormat":
			q.Value = times[r.IntN(len(times))]
		case "PluralRules":
			q.Value = math.Min(math.Abs(q.Value), 2e6) // past which Node's rules take no exponent
		case "RelativeTimeFormat":
			q.Value = math.Min(q.Value, 2e6)
			q.Unit = pick([]string{"second", "minutes", "hour", "day", "week", "months", "quarter", "year"})
		case "ListFormat":
			q.List = []string{"a", "iglesia", "ocho", "x"}[:r.IntN(5)]
		}
		list = append(list, q)
	}
	different, refused := map[string]int{}, 0
	for i, want := range onNode(t, list) {
		got, not := answer(list[i])
		switch {
		case not:
			refused++
		case got != want:
			if different[list[i].Kind]++; different[list[i].Kind] <= 12 {
				t.Errorf("%s in %s of %v %v %v with %v\nis   %q\nwant %q, as in Node", list[i].Kind, list[i].Locale, list[i].Value, list[i].Unit, list[i].List, list[i].Options, got, want)
			}
		}
	}
	t.Logf("%d questions, %d refused, different: %v", len(list), refused, different)
}
