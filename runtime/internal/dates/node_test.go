package dates_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/runtime/internal/dates"
)

// onNode evaluates a function of JavaScript for each element of a list, in each zone of
// zoneNames, in one process.
func onNode(t *testing.T, function string, list any) (results map[string][]string) {
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
	cmd := exec.CommandContext(t.Context(), node, "-e", `const f = `+function+`;
		const list = JSON.parse(require('fs').readFileSync(0, 'utf8')), all = {};
		for (const zone of "`+strings.Join(zoneNames, " ")+`".split(' ')) {
			process.env.TZ = zone;
			all[zone] = list.map(x => String(f(x)));
		}
		console.log(JSON.stringify(all))`)
	cmd.Stdin = strings.NewReader(string(in))
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "LC_ALL=en_US.UTF-8")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatal(err)
	}
	return results
}

func text(ms float64) string {
	if math.IsNaN(ms) {
		return "NaN"
	}
	return fmt.Sprintf("%.0f", ms)
}

var zoneNames = []string{"UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"}

// zones loads the zones of zoneNames.
func zones(t *testing.T) map[string]*time.Location {
	all := make(map[string]*time.Location)
	for _, name := range zoneNames {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = loc
	}
	return all
}

// Texts that are changed at random are the dates in all zones that they are in Node.
func TestParseAgainstNode(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: dates compared with Node, in one goroutine")
	}
	r := rand.New(rand.NewPCG(1, 2))
	parts := []string{"0", "1", "12", "31", "99", "2020", "+", "-", "/", ":", ".", ",", "Jan", "Z", "GMT", "pm", "AM", "(", ")", "T", " ", "é", "EST", "000005", "24", "60", "march"}
	var list []string
	for _, c := range parseCases {
		list = append(list, c.text)
	}
	for len(list) < 4000 {
		s := parseCases[r.IntN(len(parseCases))].text
		for range r.IntN(3) + 1 {
			from := r.IntN(len(s) + 1)
			to := from + r.IntN(min(len(s)-from, 4)+1)
			s = strings.ToValidUTF8(s[:from]+parts[r.IntN(len(parts))]+s[to:], "")
		}
		list = append(list, s)
	}
	all := onNode(t, `Date.parse`, list)
	for zone, loc := range zones(t) {
		for i, want := range all[zone] {
			if got := text(dates.Parse(list[i], loc)); got != want {
				t.Errorf("Parse(%q) in %s is %s, want %s as in Node", list[i], zone, got, want)
			}
		}
	}
}

var zoneName = regexp.MustCompile(`\(.*?\)`)

// Local times, among them those that a change of clocks leaves out or shows twice, are
// what they are in Node, and print so.
func TestTimesAgainstNode(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: dates compared with Node, in one goroutine")
	}
	r := rand.New(rand.NewPCG(1, 2))
	var list [][]float64
	for _, day := range [][]float64{{2024, 2, 10}, {2024, 10, 3}, {2024, 2, 31}, {2024, 9, 27}, {2024, 3, 7}, {2024, 9, 6}} {
		for minutes := 0.0; minutes < 24*60; minutes += 15 {
			list = append(list, []float64{day[0], day[1], day[2], 0, minutes})
		}
	}
	for range 1000 {
		list = append(list, []float64{float64(r.IntN(700) + 1971), float64(r.IntN(60) - 30), float64(r.IntN(200) - 100), float64(r.IntN(60) - 30), float64(r.IntN(100)), float64(r.IntN(100)), float64(r.IntN(2000))})
	}
	list = append(list, []float64{99, 1}, []float64{-1, 0}, []float64{275760, 8, 13}, []float64{275760, 8, 14}, []float64{-271821, 3, 20, 0}, []float64{10000, 0}, []float64{1e9, 0}, []float64{2000.9, 1.9})
	const show = `a => { const d = new Date(...a); return +d + ' ' + d + ' ' + d.toUTCString() + ' ' + (isNaN(d) ? '' : d.toISOString()) }`
	all := onNode(t, show, list)
	for zone, loc := range zones(t) {
		for i, want := range all[zone] {
			ms := dates.New(list[i], loc)
			got := text(ms) + " " + dates.String(ms, loc) + " " + dates.UTCString(ms) + " "
			if !math.IsNaN(ms) {
				got += dates.ISO(ms)
			}
			if zone != "UTC" && (zone != "America/New_York" || ms < 0) { // whose names are sometimes others
				got, want = zoneName.ReplaceAllString(got, ""), zoneName.ReplaceAllString(want, "")
			}
			if got != want {
				t.Errorf("new Date(%v) in %s is %s, want %s as in Node", list[i], zone, got, want)
			}
		}
	}
}
