package load

import (
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// Arrivals are the times at which requests are due, counted from the start of the
// load, each no earlier than the one before. A load ends with them, or with its
// duration. Any such sequence will do; these are the usual ones:
// [Constant], [Ramp] and [Poisson].
type Arrivals = iter.Seq[time.Duration]

// Constant is rate requests a second, all equally far apart. A rate that is not
// positive has no arrivals, which [Load.Run] refuses.
func Constant(rate float64) Arrivals {
	return func(yield func(time.Duration) bool) {
		if !(rate > 0) {
			return
		}
		for n := 0; yield(seconds(float64(n) / rate)); n++ {
		}
	}
}

// Ramp changes its rate evenly, from one to another, and stays there. It ends where
// it comes to a rate of 0. A negative rate has no arrivals.
func Ramp(from, to float64, over time.Duration) Arrivals {
	return func(yield func(time.Duration) bool) {
		if !(from >= 0 && to >= 0 && over > 0) {
			return
		}
		// The number of arrivals until t is the integral of the rate,
		// from*t + slope*t*t/2; arrival n is where it is n.
		end := over.Seconds()
		slope, during := (to-from)/end, (from+to)/2*end
		for n := 0.0; ; n++ {
			var t float64
			switch {
			case n == 0:
			case n < during:
				t = 2 * n / (from + math.Sqrt(max(0, from*from+2*slope*n)))
			case to > 0:
				t = end + (n-during)/to
			default:
				return
			}
			if (from == 0 && to == 0) || !yield(seconds(t)) {
				return
			}
		}
	}
}

// Poisson is rate requests a second on average, each independent of the others, as
// those of many strangers are: the gaps are exponentially distributed. One seed
// gives the same arrivals each time. A rate that is not positive has none.
func Poisson(rate float64, seed uint64) Arrivals {
	return func(yield func(time.Duration) bool) {
		if !(rate > 0) {
			return
		}
		random := rand.New(rand.NewPCG(seed, seed))
		t := 0.0
		for {
			t += random.ExpFloat64() / rate
			if !yield(seconds(t)) {
				return
			}
		}
	}
}

func seconds(s float64) time.Duration {
	return time.Duration(min(s*float64(time.Second), math.MaxInt64/2))
}
