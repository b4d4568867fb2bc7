package budget

import (
	"math/bits"
	"time"
)

const (
	// halfLife is the age at which an observation counts half. Long enough that
	// a percentile of a few requests a second has something to stand on; short
	// enough that a disk that was slow is forgiven within a minute.
	halfLife = 10 * time.Second
	// enough is how many observations, decayed, are needed to expect anything.
	enough = 8

	bucketsPerOctave = 4 // an error of at most 19%
	octaves          = 27
)

// Percentiles is a decayed histogram of durations between 1 µs and 2 minutes,
// accurate to a fifth. The zero value is ready to use. It is not safe for
// concurrent use and takes no memory but its own, under a kilobyte.
type Percentiles struct {
	total   float32
	decayed time.Time

	cached  time.Duration // what Expected returned last
	cachedP float64
	stale   int // observations until it is worked out anew

	count [octaves * bucketsPerOctave]float32 // last: the rest is looked at more often
}

// Record adds an observation.
func (p *Percentiles) Record(now time.Time, d time.Duration) {
	if now.Sub(p.decayed) >= halfLife {
		p.decay(now)
	}
	p.count[bucket(d)]++
	p.total++
	p.stale--
}

// decay halves the counts for each half-life that has passed.
func (p *Percentiles) decay(now time.Time) {
	if p.decayed.IsZero() {
		p.decayed = now
		return
	}
	periods := now.Sub(p.decayed) / halfLife
	if periods <= 0 {
		return
	}
	p.decayed = p.decayed.Add(periods * halfLife)
	factor := float32(0)
	if periods < 24 {
		factor = 1 / float32(int(1)<<periods)
	}
	p.total = 0
	for i := range p.count {
		p.count[i] *= factor
		p.total += p.count[i]
	}
	p.stale = 0
}

// bucket is the place of a duration: its octave, and the quarter within.
func bucket(d time.Duration) int {
	us := uint64(max(1, d/time.Microsecond))
	octave := bits.Len64(us) - 1
	quarter := 0
	if octave >= 2 {
		quarter = int(us>>(octave-2)) & 3
	} else if octave == 1 {
		quarter = int(us&1) * 2
	}
	return min(octave*bucketsPerOctave+quarter, octaves*bucketsPerOctave-1)
}

// upper is the upper end of a bucket.
func upper(i int) time.Duration {
	octave, quarter := i/bucketsPerOctave, i%bucketsPerOctave
	return time.Duration(bucketsPerOctave+quarter+1) * (time.Microsecond << octave) / bucketsPerOctave
}

// Quantile is the duration that a fraction q of the observations did not
// exceed; 0 without any.
func (p *Percentiles) Quantile(now time.Time, q float64) time.Duration {
	p.decay(now)
	if p.total == 0 {
		return 0
	}
	rank, sum := float32(q)*p.total, float32(0)
	last := 0
	for i, n := range p.count {
		if n == 0 {
			continue
		}
		sum, last = sum+n, i
		if sum >= rank {
			break
		}
	}
	return upper(last)
}

// Expected is Quantile for a decision that is made often: it is worked out once
// in 64 observations, and 0 while there are too few to tell.
func (p *Percentiles) Expected(now time.Time, q float64) time.Duration {
	p.decay(now)
	if p.total < enough {
		return 0
	}
	if p.stale <= 0 || p.cachedP != q {
		p.cached, p.cachedP, p.stale = p.Quantile(now, q), q, 64
	}
	return p.cached
}
