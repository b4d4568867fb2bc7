package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage/postgres"
)

// holderURL has this binary be a server that works in the background until it is killed.
const holderURL = "FAZT_POSTGRES_TEST_HOLDER"

const testLease = "test"

func holdLease(url string) {
	s, err := postgres.Open(context.Background(), url, postgres.Options{})
	if err == nil {
		_, err = s.WhileLeased(context.Background(), testLease, func(ctx context.Context) {
			fmt.Println("holds it")
			<-ctx.Done()
		})
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestLeaseOfTheKilled: what a server did in the background that is killed, another goes
// on with when its lease has ended, and not before.
func TestLeaseOfTheKilled(t *testing.T) {
	url := database(t)
	s := open(t, url)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	holder := exec.Command(self)
	holder.Env = append(os.Environ(), holderURL+"="+url)
	holder.Stderr = os.Stderr
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		holder.Process.Kill()
		holder.Wait()
	})
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("the holder has printed nothing")
	}
	worked := func() bool {
		t.Helper()
		had, err := s.WhileLeased(t.Context(), testLease, func(context.Context) {})
		if err != nil {
			t.Fatal(err)
		}
		return had
	}
	if worked() {
		t.Error("two servers work at the same time")
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	holder.Wait()
	killed := time.Now()
	left := number(t, s, "SELECT expires_at - CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) FROM leases WHERE name = '"+testLease+"'")
	eventually(t, "another server works", worked)
	t.Logf("another took over %v after the holder was killed, whose lease had %d ms left", time.Since(killed).Round(time.Millisecond), left)
	if took := time.Since(killed).Milliseconds(); left <= 0 || took < left-1000 {
		t.Errorf("taken over after %d ms, and the lease had %d left", took, left)
	}
}
