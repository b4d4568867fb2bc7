package fazt_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/fazt-sh/fazt/harnesstest"
)

// browser starts a headless Chromium, or skips the test where there is none;
// with FAZT_BROWSER=required that is a failure.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("FAZT_BROWSER") == "required" {
			t.Fatal("there is no chromium, and FAZT_BROWSER=required; install Debian's package chromium")
		}
		t.Skip("SKIPPED: there is no chromium here, so no page was tried in a browser; install Debian's package chromium")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // Chromium has none for root, which CI is
		chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(2*time.Minute),
		chromedp.CombinedOutput(io.Discard),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	// Not the test's context: that ends before the browser is closed.
	all, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	all, cancel = chromedp.NewExecAllocator(all, opts...)
	t.Cleanup(cancel)
	for attempt := 1; ; attempt++ {
		ctx, cancel := chromedp.NewContext(all)
		t.Cleanup(cancel)
		err := chromedp.Do(ctx, chromedp.Navigate("about:blank"))
		switch {
		case err == nil:
			t.Cleanup(func() {
				// Waits for the browser to end, so that its files can be removed.
				if err := chromedp.Cancel(ctx); err != nil {
					t.Errorf("close the browser: %v", err)
				}
			})
			return ctx
		case attempt == 3:
			t.Fatalf("start the browser: %v", err)
		}
		t.Logf("start the browser: %v; once more", err) // it ends now and then on a machine with much to do
	}
}

// into keeps what an action finds.
func into[T any](target *T, action chromedp.Action[T]) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) (err error) {
		*target, err = chromedp.Run(ctx, action)
		return err
	})
}

func TestGuestbookInBrowser(t *testing.T) {
	ctx := browser(t)
	srv := harnesstest.Start(t)
	srv.DeployAs("guestbook", os.DirFS("examples/guestbook"))
	app := srv.Visit("guestbook")

	const text = `Hello from <b>Ada</b> & "friends"`
	var entries, location string
	err := chromedp.Do(ctx,
		chromedp.Navigate(app.URL+"/"),
		chromedp.Click(chromedp.CSS(`a[href^="/auth/login"]`)),
		chromedp.SetValue(chromedp.CSS(`input[name="email"]`), "ada@example.com"),
		chromedp.SetValue(chromedp.CSS(`input[name="name"]`), "Ada"),
		chromedp.Click(chromedp.CSS(`form button`)),
		chromedp.WaitVisible(chromedp.CSS(`#text`)),
		into(&location, chromedp.Location()),
		chromedp.SendKeys(chromedp.CSS(`#text`), text),
		chromedp.Click(chromedp.CSS(`#write button`)),
		chromedp.WaitVisible(chromedp.CSS(`#entries li`)),
		chromedp.Reload(),
		chromedp.WaitVisible(chromedp.CSS(`#entries li`)),
		into(&entries, chromedp.Text(chromedp.CSS(`#entries`))),
	)
	if err != nil {
		t.Fatal(err)
	}
	if location != app.URL+"/" {
		t.Errorf("signing in leads to %s, want %s/", location, app.URL)
	}
	if !strings.Contains(entries, text) || !strings.Contains(entries, "Ada") {
		t.Errorf("after a reload the page shows %q; want the entry and its author", entries)
	}
	if res := app.Get("/api/entries"); res.Status != 200 || !strings.Contains(res.Body, "Ada") {
		t.Errorf("another visitor reads %v", res)
	}
}
