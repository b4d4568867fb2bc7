package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/fazt-sh/fazt/harnesstest/report"
)

// pages are reports with every part there is: many numbers of connections, and one.
func pages(t *testing.T) map[string]*html.Node {
	one := report.New("one")
	one.Add(report.Measurement{Name: "floor", Loop: report.Closed, Connections: 64, Runs: []report.Run{{Rate: 10}}},
		report.Measurement{Name: strings.Repeat("a long name ", 9), Loop: report.Closed, Connections: 64, Runs: []report.Run{{Rate: 10}}},
		report.Measurement{Name: "nothing", Loop: report.Closed, Connections: 64, Runs: []report.Run{{Invalid: "late"}}})
	parsed := map[string]*html.Node{}
	for name, r := range map[string]*report.Report{"many": sample(), "one": one} {
		page, err := html.Parse(strings.NewReader(written(t, r.HTML)))
		if err != nil {
			t.Fatal(err)
		}
		parsed[name] = page
	}
	return parsed
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// The page needs nothing but itself, and its policy allows no more than that.
func TestPageIsSelfContained(t *testing.T) {
	for name, page := range pages(t) {
		var policy, style string
		for n := range page.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if slices.Contains([]string{"script", "link", "img", "iframe", "object", "embed", "image", "use", "foreignObject", "base"}, n.Data) {
				t.Errorf("%s: the page has a <%s>", name, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "style" || a.Key == "src" || a.Key == "href" || strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "url(") {
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				}
			}
			switch {
			case n.Data == "style" && style == "":
				style = n.FirstChild.Data
			case n.Data == "style":
				t.Errorf("%s: a second style sheet", name)
			case attribute(n, "http-equiv") == "Content-Security-Policy":
				policy = attribute(n, "content")
			}
		}
		sum := sha256.Sum256([]byte(style))
		want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
		if policy != want {
			t.Errorf("%s: the policy is %q, want %q", name, policy, want)
		}
		if strings.Contains(style, "url(") || strings.Contains(style, "@import") {
			t.Errorf("%s: the style sheet loads something", name)
		}
	}
}

// Every plot has a title and a description for who doesn't see it, and stands beside a
// table; what refers to another element finds it.
func TestPageIsAccessible(t *testing.T) {
	for name, page := range pages(t) {
		ids := map[string]bool{}
		var refers []string
		for n := range page.Descendants() {
			if id := attribute(n, "id"); id != "" {
				if ids[id] {
					t.Errorf("%s: two elements are %q", name, id)
				}
				ids[id] = true
			}
			refers = append(refers, strings.Fields(attribute(n, "aria-labelledby"))...)
			switch {
			case n.Type != html.ElementNode:
			case n.Data == "svg" && attribute(n, "role") != "img" && !hidden(n):
				t.Errorf("%s: a drawing without a role", name)
			case n.Data == "svg" && attribute(n, "role") == "img" && attribute(n, "aria-labelledby") == "":
				t.Errorf("%s: a drawing without a name", name)
			case n.Data == "figure" && !besideTable(n):
				t.Errorf("%s: a plot without a table in its section", name)
			case n.Data == "th" && attribute(n, "scope") == "":
				t.Errorf("%s: a heading of nothing", name)
			}
		}
		for _, id := range refers {
			if !ids[id] {
				t.Errorf("%s: nothing is %q", name, id)
			}
		}
	}
}

func hidden(n *html.Node) bool {
	for a := range n.Ancestors() {
		if attribute(a, "aria-hidden") == "true" {
			return true
		}
	}
	return false
}

func besideTable(n *html.Node) bool {
	for section := range n.Ancestors() {
		if section.Data == "section" {
			for d := range section.Descendants() {
				if d.Data == "table" {
					return true
				}
			}
		}
	}
	return false
}

// Text and lines can be told from what they stand on, in light and in dark: 4.5 to 1
// for text, 3 to 1 for lines (WCAG 2.2, 1.4.3 and 1.4.11).
func TestContrast(t *testing.T) {
	style, err := os.ReadFile("page.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(style), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d sets of colours, want light and dark", len(blocks))
	}
	for i, mode := range []string{"light", "dark"} {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--(\w+): #(\w+);`).FindAllStringSubmatch(blocks[i][1], -1) {
			colours[m[1]] = m[2]
		}
		need := func(front, back string, ratio float64) {
			if got := contrast(t, colours[front], colours[back]); got < ratio {
				t.Errorf("%s: %s on %s is %.2f to 1, want %v", mode, front, back, got, ratio)
			}
		}
		for _, text := range []string{"ink", "soft"} {
			need(text, "paper", 4.5)
			need(text, "card", 4.5)
		}
		need("ink", "grid", 4.5)
		for _, tag := range []string{"good", "bad", "warn"} {
			need(tag, tag+"back", 4.5)
			need(tag, "card", 4.5)
		}
		for n := range 8 {
			need(fmt.Sprint("s", n), "card", 3)
		}
	}
}

// contrast is WCAG's, of two colours in hexadecimal.
func contrast(t *testing.T, a, b string) float64 {
	luminance := func(hex string) float64 {
		if len(hex) == 3 {
			hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
		}
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			c := float64(n) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
