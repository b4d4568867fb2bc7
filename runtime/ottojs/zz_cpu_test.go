package ottojs_test

import (
	"syscall"
	"testing"
)

func cpuNow() int64 {
	var u syscall.Rusage
	syscall.Getrusage(0, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}
func cpuBench(b *testing.B, f func(*testing.B)) {
	c := cpuNow()
	f(b)
	b.ReportMetric(float64(cpuNow()-c)/float64(b.N), "cpu-ns/op")
}
func BenchmarkZTrivial(b *testing.B) { cpuBench(b, BenchmarkTrivial) }
func BenchmarkZJSON20(b *testing.B)  { cpuBench(b, BenchmarkJSON20) }
func BenchmarkZHost(b *testing.B)    { cpuBench(b, BenchmarkHostCall) }
func BenchmarkZFields(b *testing.B)  { cpuBench(b, BenchmarkRequestFields) }
