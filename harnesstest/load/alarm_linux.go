package load

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes the Go scheduler at the moment when a timer is due. In a process that is
// idle until then, the scheduler waits in epoll_wait, which knows whole milliseconds, so
// that a timer alone is half a millisecond late on average and a request, which takes a
// tenth of that, with it. A timer file of the kernel's ends that wait on time.
type alarm struct {
	fd      int
	file    *os.File
	stopped chan struct{}
}

// newAlarm is an alarm that is to be stopped, or nil where the system has none to give.
func newAlarm() *alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil
	}
	a := &alarm{fd: fd, file: os.NewFile(uintptr(fd), "timer"), stopped: make(chan struct{})}
	go func() {
		defer close(a.stopped)
		var count [8]byte
		for {
			if _, err := a.file.Read(count[:]); err != nil {
				return
			}
		}
	}()
	return a
}

// in wakes the scheduler when d has passed. What was set before is forgotten.
func (a *alarm) in(d time.Duration) {
	if a == nil || d <= 0 {
		return
	}
	// Its errors are of wrong arguments. Without it, the timer is late.
	_ = unix.TimerfdSettime(a.fd, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(d.Nanoseconds())}, nil)
}

func (a *alarm) stop() {
	if a != nil {
		a.file.Close()
		<-a.stopped
	}
}
