package report

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is what the figures were measured on.
type Machine struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	// CPU is the processor's own name; "" where the system does not tell.
	CPU string `json:"cpu,omitempty"`
	// CPUs is how many of them the process may use.
	CPUs int `json:"cpus"`
	// Memory is the machine's RAM in bytes; 0 where the system does not tell.
	Memory int64 `json:"memory_bytes,omitempty"`
}

// ThisMachine is the one that the process runs on. The processor's name and the
// memory are known on Linux alone.
func ThisMachine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0)}
	m.CPU = procField("/proc/cpuinfo", "model name")
	if kib, ok := strings.CutSuffix(procField("/proc/meminfo", "MemTotal"), " kB"); ok {
		if n, err := strconv.ParseInt(kib, 10, 64); err == nil {
			m.Memory = n << 10
		}
	}
	return m
}

// procField is the first value of that name, or "".
func procField(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return "" // not on Linux
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// String is the machine in a line: "2 x Xeon, 24 GiB, linux/amd64".
func (m Machine) String() string {
	var parts []string
	if m.CPU != "" {
		parts = append(parts, fmt.Sprintf("%d x %s", m.CPUs, m.CPU))
	} else {
		parts = append(parts, fmt.Sprintf("%d processors", m.CPUs))
	}
	if m.Memory > 0 {
		parts = append(parts, bytesText(m.Memory))
	}
	return strings.Join(append(parts, m.OS+"/"+m.Arch), ", ")
}

// otherWork is a sentence on what else the machine does, or "" where that is little or the
// system does not tell. loadavg is Linux's /proc/loadavg.
func otherWork(loadavg string, cpus int) string {
	first, _, _ := strings.Cut(loadavg, " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil || load <= float64(cpus)/2 {
		return ""
	}
	return fmt.Sprintf("The machine had other work when this was begun (a load average of %.1f with %s), and the figures are lower for it.",
		load, counted(cpus, "processor"))
}
