package report_test

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/fazt-sh/fazt/harnesstest/gaps"
	"github.com/fazt-sh/fazt/harnesstest/report"
)

// sample is a report such as a suite makes, always the same. Each of its figures is
// made up.
func sample() *report.Report {
	r := base(1, 5)
	r.Versions["fazt"] = "0.1.0"
	r.Command = "FAZT_REPORT=/tmp/report go test -tags=integration -run Baseline ./harnesstest"
	r.Add(
		report.Note("A latency counts from when its request was due."),
		report.Resource{Name: "server, idle", Resident: 41 << 20, Goroutines: 23, Files: 12},
		report.Resource{Name: "server, 100 connections", Resident: 96 << 20, Goroutines: 231, Files: 114},
		report.Timing{Name: "first answer of a handler", Took: []time.Duration{1800 * time.Microsecond, 2100 * time.Microsecond, 1700 * time.Microsecond}},
		report.Check{Name: "Baseline/answers", Outcome: report.Passed},
		report.Check{Name: "Security/headers/slow", Outcome: report.Failed, Text: "50 slow connections kept\na client waiting | for 5 s"},
		report.Check{Name: "Resilience/disk-full", Outcome: report.NotApplicable, Text: "an attached server is not the test's to kill, nor is its disk"},
		report.Check{Name: "Security/cookies", Outcome: report.Passed},
		report.Gap{ID: "SEC-2", Category: "headers", Severity: gaps.Low, Description: "No header names the policy for embedding.", FoundBy: "Security/headers", Status: gaps.Resolved},
		report.Gap{ID: "SEC-1", Category: "slow clients", Severity: gaps.High, Description: "Slow headers hold a place for 30 s.", FoundBy: "Security/headers/slow", Fix: "Set ReadHeaderTimeout to 5 s."},
	)
	r.Add(report.Measurement{Name: "kv read", Loop: report.Open, Connections: 50, Runs: []report.Run{{Rate: 7000, Offered: 9000, Requests: 2250,
		P50: time.Second, Max: time.Second, Invalid: "the generator fell behind: the 99th percentile of its lag is 31ms"}}})
	r.Add(report.Measurement{Name: "durable write", Loop: report.Closed, Connections: 100, Runs: []report.Run{{Rate: 18000, Requests: 4500,
		P50: 5 * time.Millisecond, P90: 7 * time.Millisecond, P99: 12 * time.Millisecond, P999: 20 * time.Millisecond, Max: 31 * time.Millisecond,
		RateOfFloor: 0.19, Failed: map[string]int64{"refused": 3, "timeout": 1}}}})
	earlier := base(2, 10)
	earlier.Made = earlier.Made.AddDate(0, -1, 0)
	earlier.Machine.CPU = "Another Processor"
	earlier.Versions["fazt"] = "0.0.9"
	for i := range earlier.Measurements {
		m := &earlier.Measurements[i]
		for j := range m.Runs {
			switch {
			case m.Name == "kv read" && m.Loop == report.Closed && m.Connections > 1:
				m.Runs[j].RateOfFloor *= 1.3 // and so it is worse now
			case m.Name == "static read" && m.Loop == report.Open && m.Connections == 100:
				m.Runs[j].P99OfFloor *= 1.6
			}
		}
	}
	r.Comparison = report.Compare(earlier, r)
	return r
}

// base has measurements alone.
func base(seed uint64, runs int) *report.Report {
	random := rand.New(rand.NewPCG(seed, seed))
	r := &report.Report{
		Format: report.Format, Title: "fazt: baseline", Made: time.Date(2026, 11, 30, 19, 5, 0, 0, time.UTC),
		Machine:  report.Machine{OS: "linux", Arch: "amd64", CPU: "Some Processor", CPUs: 2, Memory: 24 << 30},
		Versions: map[string]string{"go": "1.26.0"},
	}
	for _, loop := range []report.Loop{report.Closed, report.Open} {
		for _, kind := range []struct {
			name        string
			alone, most float64 // requests/s with one connection, and with many
		}{
			{"floor", 21000, 102000}, {"static read", 17000, 81000}, {"handler read", 12000, 51000}, {"kv read", 9500, 31000},
			{"durable write", 1900, 21500}, {"document query", 7200, 19800}, {"mixed 80/20", 5100, 27000},
		} {
			for _, connections := range []int{1, 10, 50, 100} {
				m := report.Measurement{Name: kind.name, Loop: loop, Connections: connections}
				for range runs {
					m.Runs = append(m.Runs, sampleRun(random, loop, kind.alone, kind.most, connections))
				}
				r.Add(m)
			}
		}
	}
	return r
}

func sampleRun(random *rand.Rand, loop report.Loop, alone, most float64, connections int) report.Run {
	noise := func() float64 { return math.Exp(0.03 * random.NormFloat64()) }
	c := float64(connections)
	rate := alone * c / (1 + (c-1)*alone/most) * noise()
	wait := c / rate
	if loop == report.Open {
		rate /= 2
		wait = (1/alone + 0.05*c/most) * noise()
	}
	floorRate := 21000 * c / (1 + (c-1)*21000/102000.0)
	if loop == report.Open {
		floorRate /= 2
	}
	at := func(times float64) time.Duration {
		return time.Duration(wait * times * noise() * float64(time.Second)).Round(time.Microsecond)
	}
	run := report.Run{
		Rate: math.Round(rate), Requests: int64(rate / 4), P50: at(1), P90: at(1.7), P99: at(4), Max: at(16),
		RateOfFloor: math.Round(rate/floorRate*1000) / 1000, P99OfFloor: math.Round(1/(rate/floorRate)*noise()*1000) / 1000,
	}
	if most == 102000 { // which is the floor
		run.RateOfFloor, run.P99OfFloor = 0, 0
	}
	if run.Requests > 1000 {
		run.P999 = at(9)
	}
	if loop == report.Open {
		run.Offered = run.Rate
	}
	return run
}
