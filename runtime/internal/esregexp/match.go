package esregexp

import "errors"

// Text is what is searched. Places count in its own units.
type Text interface {
	Len() int
	// At is the character at a place, and how many units it has; Before is the one
	// that ends there. Neither is asked for what lies outside.
	At(i int) (c rune, n int)
	Before(i int) (c rune, n int)
}

// ErrTooMuch is for a match that has to remember more than it may.
var ErrTooMuch = errors.New("this regular expression needs too much memory for a text of this length; split the text first")

// checkEvery is how many steps are made between two checks, some 50 us.
const checkEvery = 2048

// Backtrack finds the first match that begins at or behind a place: pairs of places
// for the match and its groups, -1 for a group that took no part; nil without one.
// check is called at intervals. The error is [ErrTooMuch], when there are more than
// max choices to remember, of some 24 bytes each.
func (re *Regexp) Backtrack(t Text, from, max int, check func()) ([]int, error) {
	m := &matcher{program: re.program(), flags: re.flags, text: t, end: t.Len(), max: max, check: check}
	m.regs = make([]int, m.registers)
	for at := from; ; {
		for i := range m.regs {
			m.regs[i] = -1
		}
		m.stack = m.stack[:0]
		if m.run(0, at) {
			return m.regs[:2*m.groups], nil
		}
		if m.err != nil {
			return nil, m.err
		}
		if at >= m.end {
			return nil, nil
		}
		_, n := t.At(at)
		at += n
	}
}

type matcher struct {
	*program
	flags Flags
	text  Text
	end   int
	regs  []int
	stack []choice
	max   int
	steps int
	check func()
	err   error
}

// choice is what is gone back to: a place in the program and in the text, or, with a
// negative pc, the value that a register had. One of opMany gives back a character
// each time until it is at low.
type choice struct {
	pc, at, low int
}

func (m *matcher) push(c choice) bool {
	if len(m.stack) >= m.max {
		m.err = ErrTooMuch
		return false
	}
	m.stack = append(m.stack, c)
	return true
}

// choose has it go on at another place if this way fails.
func (m *matcher) choose(pc, at int) bool { return m.push(choice{pc: pc, at: at, low: noLow}) }

// set changes a register, which is undone when it is gone back.
func (m *matcher) set(register, value int) bool {
	if !m.push(choice{pc: -1 - register, at: m.regs[register]}) {
		return false
	}
	m.regs[register] = value
	return true
}

// run matches from an instruction up to opEnd. What it leaves on the stack are the
// choices that it could still be gone back to.
func (m *matcher) run(pc, at int) bool {
	base := len(m.stack)
	for {
		if m.steps++; m.steps%checkEvery == 0 {
			m.check()
		}
		i := &m.code[pc]
		ok := true
		switch i.op {
		case opEnd:
			return true
		case opJump:
			pc = i.a - 1
		case opSplit:
			ok = m.choose(i.b, at)
		case opChar:
			if at, ok = m.step(at, i.back); ok {
				ok = i.set.has(m.char(at, i.back))
			}
		case opMany:
			at, ok = m.many(i, pc, at)
		case opSave:
			ok = m.set(i.a, at)
		case opForget:
			for r := i.a; r < i.b && ok; r++ {
				if m.regs[r] >= 0 {
					ok = m.set(r, -1)
				}
			}
		case opEdge:
			ok = m.edge(edge(i.a), at)
		case opBack:
			at, ok = m.backReference(i, at)
		case opLook:
			ok = m.look(pc, at, i.b == 1)
			pc = i.a - 1
		case opZero:
			ok = m.set(i.a, 0)
		case opLoop:
			pc, ok = m.loop(i.loop, pc, at)
		case opTurn:
			ok = m.turn(i.loop, at)
		case opMoved:
			ok = m.regs[i.loop.from] != at || i.loop.counted && m.regs[i.loop.count] <= i.loop.min
		}
		pc++
		if !ok {
			if m.err != nil {
				return false
			}
			if pc, at, ok = m.goBack(base); !ok {
				return false
			}
		}
	}
}

// goBack returns to the last choice, undoing what has changed since.
func (m *matcher) goBack(base int) (pc, at int, ok bool) {
	for len(m.stack) > base {
		c := &m.stack[len(m.stack)-1]
		pc, at = c.pc, c.at
		switch {
		case pc < 0:
			m.undo()
			continue
		case c.low != noLow: // one character less than the last time
			at = m.stepBack(at, m.code[pc].back)
			pc++
			if c.at = at; at == c.low {
				m.undo()
			}
		default:
			m.undo()
		}
		return pc, at, true
	}
	return 0, 0, false
}

// undo takes the last choice away, and what it kept is a register's value again.
func (m *matcher) undo() {
	c := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	if c.pc < 0 {
		m.regs[-1-c.pc] = c.at
	}
}

// noLow is low of a choice that is none of opMany's, which may lead to one.
const noLow = -1

// step moves by one character.
func (m *matcher) step(at int, back bool) (int, bool) {
	if back {
		if at == 0 {
			return at, false
		}
		_, n := m.text.Before(at)
		return at - n, true
	}
	if at >= m.end {
		return at, false
	}
	_, n := m.text.At(at)
	return at + n, true
}

func (m *matcher) stepBack(at int, back bool) int {
	at, _ = m.step(at, !back)
	return at
}

// char is the character that step moved over.
func (m *matcher) char(at int, back bool) rune {
	var c rune
	if back {
		c, _ = m.text.At(at)
	} else {
		c, _ = m.text.Before(at)
	}
	return c
}

// many takes as many characters of a set as there are.
func (m *matcher) many(i *instruction, pc, at int) (int, bool) {
	low := at
	n := 0
	for ; n < i.b; n++ {
		next, ok := m.step(at, i.back)
		if !ok || !i.set.has(m.char(next, i.back)) {
			break
		}
		if at = next; n+1 == i.a {
			low = at
		}
		if m.steps++; m.steps%checkEvery == 0 {
			m.check()
		}
	}
	if n < i.a {
		return at, false
	}
	return at, at == low || m.push(choice{pc: pc, at: at, low: low})
}

// loop goes on behind pc, where another turn begins, or leaves the loop.
func (m *matcher) loop(l *loop, pc, at int) (int, bool) {
	if l.counted {
		switch n := m.regs[l.count]; {
		case n >= l.max:
			return l.exit - 1, true
		case n < l.min:
			return pc, true
		}
	}
	if l.lazy {
		return l.exit - 1, m.choose(pc+1, at)
	}
	return pc, m.choose(l.exit, at)
}

func (m *matcher) turn(l *loop, at int) bool {
	return (!l.counted || m.set(l.count, m.regs[l.count]+1)) && (!l.moves || m.set(l.from, at))
}

func (m *matcher) edge(e edge, at int) bool {
	switch e {
	case lineStart:
		return at == 0 || m.flags.Multiline && lineEnds.has(m.char(at, false))
	case lineEnd:
		return at == m.end || m.flags.Multiline && lineEnds.has(m.char(at, true))
	}
	words := m.flags.wordSet()
	before := at > 0 && words.has(m.char(at, false))
	after := at < m.end && words.has(m.char(at, true))
	return (before != after) == (e == word)
}

// backReference matches what a group has captured, and nothing if it hasn't.
func (m *matcher) backReference(i *instruction, at int) (int, bool) {
	from, to := m.regs[2*i.a], m.regs[2*i.a+1]
	if from < 0 || to < 0 {
		return at, true
	}
	if i.back {
		from, to = to, from
	}
	for from != to {
		if m.steps++; m.steps%checkEvery == 0 {
			m.check()
		}
		next, ok := m.step(at, i.back)
		if !ok {
			return at, false
		}
		from, _ = m.step(from, i.back)
		if !m.same(m.char(next, i.back), m.char(from, i.back)) {
			return at, false
		}
		at = next
	}
	return at, true
}

func (m *matcher) same(a, b rune) bool {
	return a == b || m.flags.IgnoreCase && canonical(a, m.flags.Unicode) == canonical(b, m.flags.Unicode)
}

// look matches what is ahead or behind, without moving.
func (m *matcher) look(pc, at int, negate bool) bool {
	base := len(m.stack)
	found := m.run(pc+1, at)
	if m.err != nil {
		return false
	}
	if !found {
		return negate
	}
	if negate {
		for len(m.stack) > base {
			m.undo()
		}
		return false
	}
	// There is no going back into a look: what it captured stays, and is undone
	// where the pattern goes back before it.
	kept := m.stack[:base]
	for _, c := range m.stack[base:] {
		if c.pc < 0 {
			kept = append(kept, c)
		}
	}
	m.stack = kept
	return true
}
