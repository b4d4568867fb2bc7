package fazt_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/harnesstest"
)

// manage asks the management API with a key that may read.
func manage(t *testing.T, srv *harnesstest.Server, path string) string {
	t.Helper()
	token, err := srv.Fazt.CreateKey(t.Context(), "reader", "read")
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	client := srv.Client()
	defer client.CloseIdleConnections() // or whoever polls has one open for each time
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", path, res.StatusCode, body, err)
	}
	return string(body)
}

func TestStatsAndMetrics(t *testing.T) {
	srv := harnesstest.Start(t)
	app := srv.Deploy(files("index.html", "hello", "api/main.js", "fazt.storage.kv.set('a', 1); ({used: fazt.budget.used(), remaining: fazt.budget.remaining()})"))
	for _, path := range []string{"/", "/missing", "/api"} {
		app.Get(path)
	}
	for _, path := range []string{"/api/system/limits", "/api/system/stats", "/metrics"} {
		res, err := srv.Client().Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s answers %d to anybody", path, res.StatusCode)
		}
	}
	var limits struct{ Data map[string]float64 }
	if err := json.Unmarshal([]byte(manage(t, srv, "/api/system/limits")), &limits); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"request_ms": 10_000, "cpu_ms": 5000, "operations": 1000, "queue": 256, "connections": 10_000, "rate_per_second": 0} {
		if got, ok := limits.Data[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	var stats struct {
		Data struct {
			Admission budget.AdmissionStats
			Phases    map[string]float64 `json:"phases_ms"`
			Storage   struct {
				Depth     *int     `json:"queue_depth"`
				Delay     *float64 `json:"delay_ms"`
				Batches   int
				Writes    int
				BatchSize map[string]float64 `json:"batch_size"`
				CommitMS  map[string]float64 `json:"commit_ms"`
			}
			Apps []struct {
				Name     string
				Requests map[string]map[string]int
				Charges  api.Charges
				P99      map[string]float64 `json:"p99_ms"`
			}
		}
	}
	if err := json.Unmarshal([]byte(manage(t, srv, "/api/system/stats")), &stats); err != nil {
		t.Fatal(err)
	}
	d := stats.Data
	if len(d.Apps) != 1 || fmt.Sprint(d.Apps[0].Requests) != "map[handler:map[2xx:1] static:map[2xx:1 4xx:1]]" || d.Apps[0].P99["handler"] <= 0 {
		t.Errorf("apps: %+v", d.Apps)
	}
	if d.Phases["js"] <= 0 || d.Phases["write"] <= 0 || len(d.Admission.Flows) != 1 || d.Admission.Flows[0].Admitted != 3 { // to deploy, to compile, and to run
		t.Errorf("phases %v, admission %+v", d.Phases, d.Admission)
	}
	if len(d.Apps) == 1 && d.Apps[0].Charges.ProcessorMS < d.Phases["js"] {
		t.Errorf("the app was charged %+v, of %v", d.Apps[0].Charges, d.Phases)
	}
	st := d.Storage
	if st.Depth == nil || st.Delay == nil || st.Batches < 1 || st.Writes < st.Batches || st.BatchSize["p50"] < 1 || st.BatchSize["max"] < st.BatchSize["p50"] ||
		st.CommitMS["p99"] <= 0 || len(st.CommitMS) != 4 {
		t.Errorf("storage: %+v", st)
	}
	metrics := manage(t, srv, "/metrics")
	for _, want := range []string{
		"fazt_operations_total 1\n",
		"fazt_storage_queue_depth ",
		"fazt_storage_delay_seconds ",
		"fazt_storage_batches_total ",
		"fazt_storage_writes_total ",
		`fazt_storage_batch_size{quantile="0.99"} `,
		`fazt_storage_commit_seconds{quantile="1"} `,
		"fazt_cache_bytes ",
		`fazt_app_requests_total{app="` + app.Name + `",kind="handler",status="2xx"} 1`,
		`fazt_app_writer_seconds_total{app="` + app.Name + `"} 0.`,
		`fazt_app_bytes_total{app="` + app.Name + `",what="written"} `,
		`fazt_requests_total{kind="static",status="4xx"} 1`,
		`fazt_phase_seconds_total{phase="js"} `,
		`fazt_refused_total{reason="wait"} 0`,
		`fazt_runs{state="queued"} 0`,
		`fazt_request_duration_seconds_count{kind="handler"} 1`,
		"go_goroutines ",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
}

// TestMetricsAreBounded: names of apps that there are not, are no labels, and
// those that there are, are so up to a limit.
func TestMetricsAreBounded(t *testing.T) {
	srv := harnesstest.Start(t)
	const apps = 103
	for i := range apps {
		name := fmt.Sprintf("a%03d", i)
		if _, err := srv.Fazt.Deploy(t.Context(), name, files("index.html", name)); err != nil {
			t.Fatal(err)
		}
		get(srv.Fazt, "http://"+name+".localhost/")
		get(srv.Fazt, "http://no-"+name+".localhost/")
	}
	metrics := manage(t, srv, "/metrics")
	if n := strings.Count(metrics, "fazt_app_requests_total{"); n != 101 {
		t.Errorf("%d series for %d apps, want 100 and one for the rest", n, apps)
	}
	if !strings.Contains(metrics, `fazt_app_requests_total{app="_other",kind="static",status="2xx"} 3`) {
		t.Error("the rest are not counted together")
	}
	if strings.Contains(metrics, "no-a") {
		t.Error("an app that does not exist became a label")
	}
	get(srv.Fazt, "http://a102.localhost/")
	if !strings.Contains(manage(t, srv, "/metrics"), `"a102"`) {
		t.Error("the busiest app is not named")
	}
	if err := srv.Fazt.RemoveApp(t.Context(), "a102", api.Removal{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(manage(t, srv, "/metrics"), `"a102"`) {
		t.Error("an app that was removed is still a label")
	}
}

func TestServerTimingIsForDevelopers(t *testing.T) {
	for _, dev := range []bool{true, false} {
		srv := open(t, func(o *fazt.Options) { o.Dev = dev })
		deploy(t, srv, "app", files("api/main.js", "fazt.storage.kv.get('a'); 'x'"))
		got := header(srv, "http://app.localhost/api").Get("Server-Timing")
		if has := strings.Contains(got, "js;dur=") && strings.Contains(got, "read;dur=") && strings.Contains(got, "total;dur="); has != dev {
			t.Errorf("with Dev %v: %q", dev, got)
		}
	}
}

// TestOperationsRunOut: one too many ends the run, whatever it catches.
func TestOperationsRunOut(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Budget.Operations = 5 })
	deploy(t, srv, "app", files("api/main.js", `
		for (var i = 0; i < 100; i++) { try { fazt.storage.kv.get('k'); } catch (e) {} }
		'caught'`))
	if got := get(srv, "http://app.localhost/api"); !strings.HasPrefix(got, `500 {"error":{"code":"BUDGET_OPS"`) || !strings.Contains(got, "allowed 5, used 6") {
		t.Error(got)
	}
}

// TestOverload: what cannot be admitted is told so, and when to come back.
func TestOverload(t *testing.T) {
	srv := harnesstest.Start(t, func(o *fazt.Options) {
		o.Dev, o.Slots, o.Queue = false, 1, 1
		o.Handler.CPU = 1e9
	})
	app := srv.Deploy(files("index.html", "still here", "api/main.js", "while (true) {}"))
	var mu sync.Mutex
	codes := make(map[string]int)
	var requests sync.WaitGroup
	for range 6 {
		requests.Go(func() {
			res := srv.Visit(app.Name).Get("/api")
			var body struct {
				Error struct {
					Code      string
					Retryable bool
				}
			}
			if err := json.Unmarshal([]byte(res.Body), &body); err != nil {
				t.Errorf("%v: %v", err, res)
			}
			if code := body.Error.Code; code == "OVERLOADED" && (res.Status != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !body.Error.Retryable) {
				t.Errorf("refused with %v", res)
			}
			mu.Lock()
			defer mu.Unlock()
			codes[body.Error.Code]++
		})
	}
	// Who looks after the server does not wait for what keeps it busy.
	eventually(t, func() bool {
		var stats struct {
			Data struct{ Admission budget.AdmissionStats }
		}
		if err := json.Unmarshal([]byte(manage(t, srv, "/api/system/stats")), &stats); err != nil {
			t.Fatal(err)
		}
		return stats.Data.Admission.Queued == 1 && stats.Data.Admission.InFlight >= 1
	})
	if res, err := srv.Client().Get(srv.URL + "/api/health"); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("health: %v, %v", res, err)
	} else {
		res.Body.Close()
	}
	requests.Wait()
	if codes["OVERLOADED"] < 3 || codes["BUDGET_CPU"] < 1 {
		t.Errorf("six endless loops for one slot and a queue of one: %v", codes)
	}
	if res := app.Get("/"); res.Body != "still here" {
		t.Error(res)
	}
}

// header asks a handler for a URL and returns the answer's headers.
func header(h http.Handler, url string) http.Header {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
	return w.Header()
}
