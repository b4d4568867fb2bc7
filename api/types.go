package api

import "time"

// App is a deployed app.
type App struct {
	ID         string    `json:"id"` // random; the app's data belongs to it
	Name       string    `json:"name"`
	Version    int       `json:"version"`
	Engine     string    `json:"engine"` // that runs the handler; "" without one
	Files      int       `json:"file_count"`
	Size       int64     `json:"size_bytes"` // uncompressed
	DeployedAt time.Time `json:"deployed_at"`
	Title      string    `json:"title"`      // for people; "" without one
	Tags       []string  `json:"tags"`       // sorted
	Visibility string    `json:"visibility"` // "public", or "unlisted" for what no visitor's list shows
}

// What [App].Visibility can be.
const (
	VisibilityPublic   = "public"
	VisibilityUnlisted = "unlisted"
)

// Source is where a version of an app came from, as far as that is known.
type Source struct {
	URL      string `json:"url,omitempty"`      // of a Git repository, without a password
	Ref      string `json:"ref,omitempty"`      // the branch, tag or commit that was asked for
	Commit   string `json:"commit,omitempty"`   // that it was
	By       string `json:"by,omitempty"`       // who deployed it: an e-mail address, a key's name, or "local"
	Restored int    `json:"restored,omitempty"` // the version that a rollback brought back
}

// CollectionIndexes says which fields of a collection are indexed, and what its finds
// cost.
type CollectionIndexes struct {
	Collection string  `json:"collection"`
	Documents  int64   `json:"documents"` // those of all users
	Indexes    []Index `json:"indexes"`
	Scans      int64   `json:"scans"`   // finds that read 1,000 documents or more, since the server started
	Scanned    int64   `json:"scanned"` // how many documents those read
}

// Index is an indexed field.
type Index struct {
	Field     string     `json:"field"`             // a dotted path
	Automatic bool       `json:"automatic"`         // it made itself; without use it goes after a week
	Ready     bool       `json:"ready"`             // finds use it
	UsedAt    *time.Time `json:"used_at,omitempty"` // to the hour; nil if it was not used yet
}

// AppInfo is a deployed app with what it stores, and what it does to its server.
type AppInfo struct {
	App
	EngineReason string              `json:"engine_reason,omitempty"` // why it is that engine; "" if it is the first one
	Source       Source              `json:"source"`                  // of the current version
	Usage        Usage               `json:"usage"`
	Stats        AppStats            `json:"stats"`
	Indexes      []CollectionIndexes `json:"indexes"` // of the collections that have any, or that scans read
}

// Usage is what an app stores: keys, documents and blobs, those of its users too.
type Usage struct {
	Used    int64 `json:"used_bytes"`
	Allowed int64 `json:"allowed_bytes"` // its quota
}

// Deployment says what a deploy made.
type Deployment struct {
	App          string `json:"site"`   // the app's name
	AppID        string `json:"app_id"` // random; the app's data belongs to it
	Version      int    `json:"version"`
	Files        int    `json:"file_count"`
	Size         int64  `json:"size_bytes"`              // uncompressed
	Engine       string `json:"engine"`                  // that runs the handler; "" without one
	EngineReason string `json:"engine_reason,omitempty"` // why it is that engine; "" if it is the first one
	Message      string `json:"message"`                 // for people
	// Warnings are what its author should know, a sentence each: keys of the manifest
	// that do nothing, and their like.
	Warnings []string `json:"warnings,omitempty"`
}

// DeployOptions change one deploy. The zero value leaves all to the app's
// manifest.
type DeployOptions struct {
	// SPA, unless it is nil, stands for the manifest's "spa" key: whether a path
	// without a file and without an extension answers index.html.
	SPA *bool
	// From is where the app came from. By and Restored are the server's to fill in.
	From Source
	// Progress, unless it is nil, is told how many bytes of how many are done: sent,
	// for a [Client], and stored, for a server.
	Progress func(done, total int64)
}

// A DeployOption sets one of the [DeployOptions].
type DeployOption func(*DeployOptions)

// SPA sets [DeployOptions].SPA.
func SPA(on bool) DeployOption { return func(o *DeployOptions) { o.SPA = &on } }

// From sets [DeployOptions].From.
func From(source Source) DeployOption { return func(o *DeployOptions) { o.From = source } }

// Progress sets [DeployOptions].Progress.
func Progress(told func(done, total int64)) DeployOption {
	return func(o *DeployOptions) { o.Progress = told }
}

// Removal says what becomes of a removed app's data. The zero value removes it.
type Removal struct {
	// KeepData keeps it for the next app that is deployed under the name.
	KeepData bool
}

// Removed is the answer to a removal.
type Removed struct {
	App string `json:"removed"` // the app's name
}

// Limits are the limits in force, times in milliseconds.
type Limits struct {
	RequestMS        int64 `json:"request_ms"`
	ReserveMS        int64 `json:"reserve_ms"`
	StorageOpMS      int64 `json:"storage_op_ms"`
	MinOperationMS   int64 `json:"min_operation_ms"`
	QueueAdmissionMS int64 `json:"queue_admission_ms"`
	Operations       int   `json:"operations"`
	ReadBytes        int64 `json:"read_bytes"`  // from the store
	WriteBytes       int64 `json:"write_bytes"` // to it, blobs apart
	CPUMS            int64 `json:"cpu_ms"`
	MemoryBytes      int64 `json:"memory_bytes"`
	ResponseBytes    int   `json:"response_bytes"`
	LogLines         int   `json:"log_lines"`
	SourceBytes      int   `json:"source_bytes"`
	LoadMS           int64 `json:"load_ms"` // to compile a handler
	Slots            int   `json:"slots"`
	Queue            int   `json:"queue"`
	BodyBytes        int64 `json:"body_bytes"`
	UploadBytes      int64 `json:"upload_bytes"`
	AllBodiesBytes   int64 `json:"all_bodies_bytes"`  // in memory together
	AllAnswersBytes  int64 `json:"all_answers_bytes"` // the same, of handlers
	DeployFileBytes  int64 `json:"deploy_file_bytes"`
	DeployAppBytes   int64 `json:"deploy_app_bytes"`
	DeployFiles      int   `json:"deploy_files"`
	LoadedApps       int   `json:"loaded_apps"`
	LoadedBytes      int64 `json:"loaded_bytes"`
	RatePerSecond    int   `json:"rate_per_second"` // an address; 0 is no limit
	RateBurst        int   `json:"rate_burst"`
	ConnsPerAddress  int   `json:"connections_per_address"`
	Conns            int   `json:"connections"`
	HeaderBytes      int   `json:"header_bytes"`
	DrainMS          int64 `json:"drain_ms"`
}

// Stats is what the server is doing.
type Stats struct {
	Uptime     int64              `json:"uptime"` // seconds
	InFlight   int64              `json:"in_flight"`
	Admission  Admission          `json:"admission"`
	PhasesMS   map[string]float64 `json:"phases_ms"` // that handlers' requests spent
	Operations int64              `json:"operations"`
	Storage    StorageStats       `json:"storage"`
	FrontDoor  DoorStats          `json:"front_door"`
	Bodies     PoolStats          `json:"bodies"`  // of requests, in memory
	Answers    PoolStats          `json:"answers"` // of handlers, in memory
	Cache      CacheStats         `json:"cache"`   // of static files
	Loaded     CacheStats         `json:"loaded"`  // apps that are ready to answer
	Process    ProcessStats       `json:"process"`
	Apps       []AppStats         `json:"apps"` // the busiest hundred, by name
}

// Admission is who holds a slot for JavaScript, and who waits for one.
type Admission struct {
	Slots    int         `json:"slots"`
	Short    int         `json:"short"`     // runs on slots
	Long     int         `json:"long"`      // the same, for longer than 100 ms
	InFlight int         `json:"in_flight"` // admitted and not done
	Queued   int         `json:"queued"`    // waiting to be admitted
	Resuming int         `json:"resuming"`  // under way and waiting for a slot
	Refused  Refusals    `json:"refused"`
	Flows    []FlowStats `json:"flows"` // by name; those with nothing to do may be forgotten
}

// Refusals are how many were not admitted, by reason.
type Refusals struct {
	QueueFull uint64 `json:"queue_full"`
	Wait      uint64 `json:"wait"`   // predicted or found to be too long
	Doomed    uint64 `json:"doomed"` // less remained than a run takes
}

// FlowStats is one app's part of the [Admission].
type FlowStats struct {
	Name     string        `json:"name"`
	Running  int           `json:"running"`
	InFlight int           `json:"in_flight"`
	Queued   int           `json:"queued"`
	Wait     time.Duration `json:"wait_ns"` // that one that comes now would expect
	Admitted uint64        `json:"admitted"`
	Refused  uint64        `json:"refused"`
	CPU      time.Duration `json:"cpu_ns"`     // on slots, in all
	CPU50    time.Duration `json:"cpu_p50_ns"` // the same by run, decayed
	CPU99    time.Duration `json:"cpu_p99_ns"`
}

// StorageStats is what the store's writer is doing.
type StorageStats struct {
	QueueDepth int                `json:"queue_depth"` // writes that wait
	DelayMS    float64            `json:"delay_ms"`    // that one that comes now would take
	Batches    uint64             `json:"batches"`     // commits since the start
	Writes     uint64             `json:"writes"`      // that they held
	BatchSize  map[string]float64 `json:"batch_size"`  // of the last 4,096 or more, by percentile
	CommitMS   map[string]float64 `json:"commit_ms"`
}

// DoorStats is what the front door sees.
type DoorStats struct {
	Conns        int    `json:"connections"`
	ConnsRefused uint64 `json:"connections_refused"`
	ConnsClosed  uint64 `json:"connections_closed"` // idle ones, for others of their address
	Addresses    int    `json:"addresses"`
	RateLimited  uint64 `json:"rate_limited"`
	NotLogged    uint64 `json:"access_log_dropped"` // lines that came faster than they could be written
}

// PoolStats is how much memory the apps hold that they share.
type PoolStats struct {
	Bytes   int64           `json:"bytes"`
	Limit   int64           `json:"limit_bytes"`
	Refused uint64          `json:"refused"` // since the start
	Flows   []PoolFlowStats `json:"flows"`   // the apps that hold some, by name
}

// PoolFlowStats is one app's part of a pool.
type PoolFlowStats struct {
	Name      string `json:"name"`
	Used      int64  `json:"bytes"`
	Addresses int    `json:"addresses"` // of its visitors
}

// CacheStats is how much a cache holds.
type CacheStats struct {
	Entries int   `json:"entries"`
	Bytes   int64 `json:"bytes"`
	Limit   int64 `json:"limit_bytes"`
}

// ProcessStats is what the process takes.
type ProcessStats struct {
	Goroutines int    `json:"goroutines"`
	HeapBytes  uint64 `json:"heap_bytes"`
	SysBytes   uint64 `json:"sys_bytes"`
	GCCount    uint32 `json:"gc_count"`
}

// AppStats is what one app has answered, and what it has taken for that.
type AppStats struct {
	Name     string                       `json:"name"`
	Charges  Charges                      `json:"charges"`
	Requests map[string]map[string]uint64 `json:"requests"` // by kind and "2xx"
	P50MS    map[string]float64           `json:"p50_ms"`   // by kind, of the last half minute or so
	P99MS    map[string]float64           `json:"p99_ms"`
}

// Charges is what an app has taken of what all apps share, since the server's start
// and in its process.
type Charges struct {
	ProcessorMS  float64 `json:"processor_ms"`  // computing: its handler, compiling it, deploys
	WriterMS     float64 `json:"writer_ms"`     // that the store's writer has worked for it
	ReadBytes    int64   `json:"read_bytes"`    // from the store, by its handler
	WrittenBytes int64   `json:"written_bytes"` // to it, blobs apart
	LogBytes     int64   `json:"log_bytes"`     // that its handler has printed
	Warnings     uint64  `json:"warnings"`      // of a limit that it came near to

	// At present:
	HeldBytes int64 `json:"held_bytes"` // bodies of its requests, and its answers, in memory
	InFlight  int   `json:"in_flight"`  // runs that are under way
	Waiting   int   `json:"waiting"`    // to begin
}
