package esregexp

import "slices"

// opcode is what an instruction does.
type opcode uint8

const (
	opChar   opcode = iota // one of set
	opMany                 // of set as often as it goes, between a and b times
	opSplit                // goes on at a, and if that fails at b
	opJump                 // goes on at a
	opSave                 // register a is the place
	opForget               // registers a up to b have no place
	opEdge                 // a is which
	opBack                 // what group a has matched
	opLook                 // what follows up to opEnd, then goes on at a; b tells whether it must fail
	opEnd                  // of a look, or of the program
	opZero                 // register a is 0
	opLoop                 // goes on with another turn of a loop, or leaves it
	opTurn                 // begins a turn
	opMoved                // fails if a turn has matched nothing, and none has to
)

type instruction struct {
	op   opcode
	a, b int
	set  set
	back bool // it goes to the left
	loop *loop
}

// loop is a quantifier.
type loop struct {
	min, max int
	lazy     bool
	counted  bool // count is a register, of the turns begun
	moves    bool // from is a register, of where the last one began
	count    int
	from     int
	exit     int
}

// program is a pattern for backtracking. Its registers are two for each group, for
// where its match begins and ends, and then those of its loops.
type program struct {
	code      []instruction
	registers int
	groups    int
}

// program compiles the pattern when it is first needed.
func (re *Regexp) program() *program {
	re.once.Do(func() {
		c := compiler{flags: re.flags, program: &program{groups: len(re.Names), registers: 2 * len(re.Names)}}
		c.group(0, re.root, false)
		c.emit(instruction{op: opEnd})
		re.prog = c.program
	})
	return re.prog
}

type compiler struct {
	*program
	flags Flags
}

func (c *compiler) emit(i instruction) int {
	c.code = append(c.code, i)
	return len(c.code) - 1
}

func (c *compiler) register() int {
	c.registers++
	return c.registers - 1
}

// node compiles a part that is matched to the right, or back to the left.
func (c *compiler) node(n node, toLeft bool) {
	switch n := n.(type) {
	case char:
		c.emit(instruction{op: opChar, set: n.set, back: toLeft})
	case sequence:
		if toLeft {
			n = slices.Clone(n)
			slices.Reverse(n)
		}
		for _, part := range n {
			c.node(part, toLeft)
		}
	case alternatives:
		var jumps []int
		for i, part := range n {
			if i == len(n)-1 {
				c.node(part, toLeft)
				break
			}
			split := c.emit(instruction{op: opSplit, a: len(c.code) + 1})
			c.node(part, toLeft)
			jumps = append(jumps, c.emit(instruction{op: opJump}))
			c.code[split].b = len(c.code)
		}
		for _, j := range jumps {
			c.code[j].a = len(c.code)
		}
	case group:
		c.group(n.number, n.body, toLeft)
	case repeat:
		c.repeat(n, toLeft)
	case look:
		at := c.emit(instruction{op: opLook})
		if n.negate {
			c.code[at].b = 1
		}
		c.node(n.body, n.behind)
		c.emit(instruction{op: opEnd})
		c.code[at].a = len(c.code)
	case back:
		c.emit(instruction{op: opBack, a: n.number, back: toLeft})
	case edge:
		c.emit(instruction{op: opEdge, a: int(n)})
	}
}

func (c *compiler) group(number int, body node, toLeft bool) {
	begin, end := 2*number, 2*number+1
	if toLeft {
		begin, end = end, begin
	}
	c.emit(instruction{op: opSave, a: begin})
	c.node(body, toLeft)
	c.emit(instruction{op: opSave, a: end})
}

func (c *compiler) repeat(n repeat, toLeft bool) {
	if one, ok := n.body.(char); ok && !n.lazy {
		c.emit(instruction{op: opMany, set: one.set, a: n.min, b: n.max, back: toLeft})
		return
	}
	l := &loop{min: n.min, max: n.max, lazy: n.lazy, counted: n.min > 0 || n.max != endless,
		moves: matchesNothing(n.body) || hasReference(n.body)}
	if l.counted {
		l.count = c.register()
		c.emit(instruction{op: opZero, a: l.count})
	}
	if l.moves {
		l.from = c.register()
	}
	at := c.emit(instruction{op: opLoop, loop: l})
	if l.counted || l.moves {
		c.emit(instruction{op: opTurn, loop: l})
	}
	if n.first < n.last {
		c.emit(instruction{op: opForget, a: 2 * n.first, b: 2 * n.last})
	}
	c.node(n.body, toLeft)
	if l.moves {
		c.emit(instruction{op: opMoved, loop: l})
	}
	c.emit(instruction{op: opJump, a: at})
	l.exit = len(c.code)
}

// hasReference tells whether a part has a back-reference, which may match nothing.
func hasReference(n node) bool {
	switch n := n.(type) {
	case sequence:
		return slices.ContainsFunc(n, hasReference)
	case alternatives:
		return hasReference(sequence(n))
	case group:
		return hasReference(n.body)
	case repeat:
		return hasReference(n.body)
	case back:
		return true
	}
	return false
}
