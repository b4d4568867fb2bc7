package esregexp

import (
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// property reads the {...} of \p{...}.
func (p *parser) property() set {
	if !p.eat("{") {
		p.fail("Invalid property name")
	}
	start := p.pos
	for p.pos < len(p.src) && p.src[p.pos] != '}' {
		p.pos++
	}
	text := string(p.src[start:p.pos])
	if !p.eat("}") {
		p.fail("Invalid property name")
	}
	p.spend(1000)
	key, value, pair := strings.Cut(text, "=")
	var s set
	switch {
	case !pair:
		if s = properties.category(key); s == nil {
			s = properties.binary(key)
		}
	case key == "General_Category" || key == "gc":
		s = properties.category(value)
	case key == "Script" || key == "sc":
		s = properties.script(value)
	case key == "Script_Extensions" || key == "scx":
		if properties.script(value) != nil {
			p.fail("Script_Extensions is not available; write Script=" + value)
		}
	}
	if s == nil {
		p.fail("Invalid property name: " + text)
	}
	return s
}

// cache keeps the sets that have been made of tables of Unicode.
type cache struct {
	mu   sync.Mutex
	sets map[string]set
}

var properties = &cache{sets: make(map[string]set)}

// get makes a set once for a name.
func (c *cache) get(name string, make func() set) set {
	c.mu.Lock()
	s, ok := c.sets[name]
	c.mu.Unlock()
	if ok {
		return s
	}
	s = make()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sets[name] = s
	return s
}

func (c *cache) has(name string, r rune) bool { return c.binary(name).has(r) }

func (c *cache) category(name string) set {
	if short := categories[name]; short != "" {
		name = short
	}
	switch t := unicode.Categories[name]; {
	case t != nil && name != "LC" && name != "Cn" && name != "C":
		return c.get("gc="+name, func() set { return tables(t) })
	case name == "LC":
		return c.get("gc=LC", func() set { return tables(unicode.Lu, unicode.Ll, unicode.Lt) })
	case name == "Cn":
		return c.get("gc=Cn", func() set { return c.category("Assigned").negated(maxRune) })
	case name == "Assigned":
		return c.get("Assigned", func() set {
			var all []*unicode.RangeTable
			for name, t := range unicode.Categories {
				if name != "Cn" && name != "C" {
					all = append(all, t)
				}
			}
			return tables(append(all, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs)...)
		})
	case name == "C":
		return c.get("gc=C", func() set {
			return append(tables(unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs), c.category("Cn")...).normalized()
		})
	}
	return nil
}

// categories are the long names of the general categories.
var categories = map[string]string{
	"Letter": "L", "Cased_Letter": "LC", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Titlecase_Letter": "Lt",
	"Modifier_Letter": "Lm", "Other_Letter": "Lo", "Mark": "M", "Combining_Mark": "M", "Nonspacing_Mark": "Mn",
	"Spacing_Mark": "Mc", "Enclosing_Mark": "Me", "Number": "N", "Decimal_Number": "Nd", "digit": "Nd", "Letter_Number": "Nl",
	"Other_Number": "No", "Punctuation": "P", "punct": "P", "Connector_Punctuation": "Pc", "Dash_Punctuation": "Pd",
	"Open_Punctuation": "Ps", "Close_Punctuation": "Pe", "Initial_Punctuation": "Pi", "Final_Punctuation": "Pf",
	"Other_Punctuation": "Po", "Symbol": "S", "Math_Symbol": "Sm", "Currency_Symbol": "Sc", "Modifier_Symbol": "Sk",
	"Other_Symbol": "So", "Separator": "Z", "Space_Separator": "Zs", "Line_Separator": "Zl", "Paragraph_Separator": "Zp",
	"Other": "C", "Control": "Cc", "cntrl": "Cc", "Format": "Cf", "Surrogate": "Cs", "Private_Use": "Co", "Unassigned": "Cn",
}

func (c *cache) script(name string) set {
	if long := scripts[name]; long != "" {
		name = long
	}
	t := unicode.Scripts[name]
	if t == nil {
		return nil
	}
	return c.get("sc="+name, func() set { return tables(t) })
}

// scripts are the short names of those scripts that are most in use.
var scripts = map[string]string{
	"Arab": "Arabic", "Armn": "Armenian", "Beng": "Bengali", "Bopo": "Bopomofo", "Cher": "Cherokee", "Copt": "Coptic",
	"Cyrl": "Cyrillic", "Deva": "Devanagari", "Ethi": "Ethiopic", "Geor": "Georgian", "Grek": "Greek", "Gujr": "Gujarati",
	"Guru": "Gurmukhi", "Hang": "Hangul", "Hani": "Han", "Hebr": "Hebrew", "Hira": "Hiragana", "Kana": "Katakana",
	"Khmr": "Khmer", "Knda": "Kannada", "Laoo": "Lao", "Latn": "Latin", "Mlym": "Malayalam", "Mong": "Mongolian",
	"Mymr": "Myanmar", "Orya": "Oriya", "Sinh": "Sinhala", "Syrc": "Syriac", "Taml": "Tamil", "Telu": "Telugu",
	"Thaa": "Thaana", "Thai": "Thai", "Tibt": "Tibetan", "Zyyy": "Common", "Zinh": "Inherited", "Qaai": "Inherited",
}

// binary is a property that a character has or has not, nil for one of another name.
func (c *cache) binary(name string) set {
	if long := shortNames[name]; long != "" {
		name = long
	}
	p := unicode.Properties
	start := []*unicode.RangeTable{unicode.L, unicode.Nl, p["Other_ID_Start"]}
	var list []*unicode.RangeTable
	switch name {
	case "Any":
		return set{{0, maxRune}}
	case "ASCII":
		return set{{0, 0x7F}}
	case "Assigned":
		return c.category(name)
	case "Alphabetic":
		list = []*unicode.RangeTable{unicode.L, unicode.Nl, p["Other_Alphabetic"]}
	case "Lowercase":
		list = []*unicode.RangeTable{unicode.Ll, p["Other_Lowercase"]}
	case "Uppercase":
		list = []*unicode.RangeTable{unicode.Lu, p["Other_Uppercase"]}
	case "Cased":
		list = []*unicode.RangeTable{unicode.Ll, p["Other_Lowercase"], unicode.Lu, p["Other_Uppercase"], unicode.Lt}
	case "Math":
		list = []*unicode.RangeTable{unicode.Sm, p["Other_Math"]}
	case "ID_Start":
		list = start
	case "ID_Continue":
		list = append(start, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, p["Other_ID_Continue"])
	default:
		if text := emoji[name]; text != "" {
			return c.get(name, func() set { return spansOf(text) })
		}
		if p[name] == nil || strings.HasPrefix(name, "Other_") || notInLanguage[name] {
			return nil
		}
		list = []*unicode.RangeTable{p[name]}
	}
	return c.get(name, func() set { return tables(list...) })
}

// notInLanguage are properties that the package unicode has and the language has not.
var notInLanguage = map[string]bool{"Prepended_Concatenation_Mark": true, "Hyphen": true, "IDS_Unary_Operator": true,
	"ID_Compat_Math_Start": true, "ID_Compat_Math_Continue": true, "Modifier_Combining_Mark": true}

var shortNames = map[string]string{
	"Alpha": "Alphabetic", "Lower": "Lowercase", "Upper": "Uppercase", "IDS": "ID_Start", "IDC": "ID_Continue",
	"AHex": "ASCII_Hex_Digit", "Bidi_C": "Bidi_Control", "Dep": "Deprecated", "Dia": "Diacritic", "Ext": "Extender",
	"Hex": "Hex_Digit", "IDSB": "IDS_Binary_Operator", "IDST": "IDS_Trinary_Operator", "Ideo": "Ideographic",
	"Join_C": "Join_Control", "LOE": "Logical_Order_Exception", "NChar": "Noncharacter_Code_Point",
	"Pat_Syn": "Pattern_Syntax", "Pat_WS": "Pattern_White_Space", "QMark": "Quotation_Mark", "RI": "Regional_Indicator",
	"STerm": "Sentence_Terminal", "SD": "Soft_Dotted", "Term": "Terminal_Punctuation", "UIdeo": "Unified_Ideograph",
	"VS": "Variation_Selector", "space": "White_Space", "EPres": "Emoji_Presentation", "EMod": "Emoji_Modifier",
	"EBase": "Emoji_Modifier_Base", "EComp": "Emoji_Component", "ExtPict": "Extended_Pictographic",
}

func tables(list ...*unicode.RangeTable) set {
	var s set
	for _, t := range list {
		if t == nil {
			continue
		}
		for _, r := range t.R16 {
			s = strided(s, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			s = strided(s, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return s.normalized()
}

func strided(s set, lo, hi, stride rune) set {
	if stride == 1 {
		return append(s, span{lo, hi})
	}
	for c := lo; c <= hi; c += stride {
		s = append(s, span{c, c})
	}
	return s
}

func spansOf(text string) set {
	var s set
	for f := range strings.FieldsSeq(text) {
		lo, hi, ok := strings.Cut(f, "-")
		if !ok {
			hi = lo
		}
		a, _ := strconv.ParseInt(lo, 16, 32)
		b, _ := strconv.ParseInt(hi, 16, 32)
		s = append(s, span{rune(a), rune(b)})
	}
	return s
}
