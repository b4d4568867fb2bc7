package report

import (
	"slices"
	"strconv"
	"time"
)

// Beside is what an app's visitors get beside an attack: others who take what they can.
type Beside struct {
	// Attack is what the others do, and Resource what they take by it: "storage".
	Attack   string  `json:"attack"`
	Resource string  `json:"resource"`
	Asked    []Asked `json:"asked"`
}

// Asked is one kind of request. Rates are good answers a second to 8 connections.
type Asked struct {
	What   string  `json:"what"`   // "handler", "get", "set", "static"
	Alone  float64 `json:"alone"`  // the rate without the attack
	Beside float64 `json:"beside"` // with it
	// Sink is the rate while the same traffic went to a bare net/http server on the same
	// machine, which tells what of the loss is the machine's. 0: it was not measured.
	Sink  float64       `json:"sink,omitempty"`
	P99   time.Duration `json:"p99_ns"`           // beside the attack
	NotOK int64         `json:"not_ok,omitempty"` // requests beside the attack that had another answer, or none
}

func (b Beside) addTo(r *Report) { r.Beside = append(r.Beside, b) }

// beside is the table of the attacks: for each kind of request, its rate as a share of
// that alone, and the 99th percentile of its times.
func (r *Report) beside() table {
	t := table{title: "Beside others: rate of the rate alone, and p99", head: []string{"what the others do"}, numbers: true}
	for _, b := range r.Beside {
		for _, a := range b.Asked {
			if !slices.Contains(t.head, a.What) {
				t.head = append(t.head, a.What)
			}
		}
	}
	for _, b := range r.Beside {
		row := append([]string{b.Resource + ": " + b.Attack}, slices.Repeat([]string{nothing}, len(t.head)-1)...)
		for _, a := range b.Asked {
			if a.Alone > 0 {
				row[slices.Index(t.head, a.What)] = strconv.FormatFloat(a.Beside/a.Alone, 'f', 2, 64) + ", " + durationText(a.P99)
			}
		}
		t.rows = append(t.rows, row)
	}
	return t
}
