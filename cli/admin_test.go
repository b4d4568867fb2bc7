package cli_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A server without a domain has its home app at one port, and is managed at another,
// where the set-up link leads.
func TestServeAdmin(t *testing.T) {
	db := filepath.Join(t.TempDir(), "data.db")
	dir := write(t, map[string]string{"index.html": "home"})
	if code, _, notes := command(t, db, "", "app", "deploy", dir, "--name", "notes"); code != 0 {
		t.Fatal(notes)
	}
	p := start(t, db, "serve", "--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--home", "notes")
	apps := p.until(`msg=serving url=http://127\.0\.0\.1:(\d+)/`)[1]
	link := p.until(`^Set up this server: (\S+)$`)[1]
	admin := p.until(`msg=managing url=(http://127\.0\.0\.1:\d+/)`)[1]
	if !strings.HasPrefix(link, admin+"auth/setup/") {
		t.Errorf("the set-up link is %s, and management is at %s", link, admin)
	}
	if status, body := get(t, "http://192.0.2.1:"+apps+"/"); status != 200 || body != "home" {
		t.Errorf("the home app: %d %s", status, body)
	}
	port := strings.TrimSuffix(admin[strings.LastIndexByte(admin, ':')+1:], "/")
	if status, body := get(t, "http://192.0.2.1:"+port+"/health"); status != 200 || !strings.Contains(body, `"ok"`) {
		t.Errorf("management: %d %s", status, body)
	}
	if code := p.interrupt(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if code, _, notes := command(t, db, "", "serve", "--addr", "127.0.0.1:0", "--admin-addr", "here"); code != 2 || !strings.Contains(notes, "--admin-addr here is not HOST:PORT") {
		t.Errorf("%d %s", code, notes)
	}
}
