package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/fazt-sh/fazt/api"
	"github.com/fazt-sh/fazt/storage"
)

func infoCommand() *cli.Command {
	return &cli.Command{
		Name:        "info",
		Usage:       "show an app, what it stores and what it was charged",
		ArgsUsage:   "<name>",
		Flags:       []cli.Flag{formatFlag(), dbFlag()},
		Description: "fazt app info my-app\nfazt app info my-app --format json",
		Action:      info,
	}
}

func info(c *cli.Context) error {
	args, err := arguments(c, "<name>")
	if err != nil {
		return err
	}
	print, err := printer(c)
	if err != nil {
		return err
	}
	return onService(c, func(server api.Service) error {
		app, err := server.AppInfo(c.Context, args[0])
		if err != nil {
			return err
		}
		switch formatOf(c) {
		case "json":
			return printJSON(c, app)
		case "csv":
			return print(infoTable(app))
		}
		if _, ok := server.(*remote); !ok {
			note(c.App.ErrWriter, "what was charged is counted by the process that serves the app; a running server tells it at GET /api/apps/%s", app.Name)
		}
		return writeInfo(c.App.Writer, app)
	})
}

// infoTable is an app as a row of a table, its figures as they are.
func infoTable(a *api.AppInfo) *storage.Table {
	charges := a.Stats.Charges
	return &storage.Table{
		Columns: []string{
			"name", "id", "title", "tags", "visibility", "version", "file_count", "size_bytes", "engine", "deployed_at", "used_bytes", "allowed_bytes",
			"processor_ms", "writer_ms", "read_bytes", "written_bytes", "log_bytes", "warnings", "held_bytes", "in_flight", "waiting",
		},
		Rows: [][]any{{
			a.Name, a.ID, a.Title, a.Tags, a.Visibility, a.Version, a.Files, a.Size, a.Engine, a.DeployedAt, a.Usage.Used, a.Usage.Allowed,
			charges.ProcessorMS, charges.WriterMS, charges.ReadBytes, charges.WrittenBytes, charges.LogBytes, int64(charges.Warnings),
			charges.HeldBytes, int64(charges.InFlight), int64(charges.Waiting),
		}},
	}
}

// writeInfo writes an app for people, a line each.
func writeInfo(out io.Writer, a *api.AppInfo) error {
	charges := a.Stats.Charges
	engine := a.Engine
	if engine == "" {
		engine = "none, there is no handler"
	} else if a.EngineReason != "" {
		engine += ", " + a.EngineReason
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	for _, row := range [][2]string{
		{"name", a.Name},
		{"id", a.ID},
		{"title", a.Title},
		{"tags", strings.Join(a.Tags, ", ")},
		{"visibility", a.Visibility},
		{"version", fmt.Sprint(a.Version)},
		{"files", fmt.Sprint(a.Files)},
		{"size", size(a.Size)},
		{"engine", engine},
		{"deployed", a.DeployedAt.UTC().Format(time.RFC3339)},
		{"by", from(a.Source)},
		{"stored", fmt.Sprintf("%s of %s (%d%%)", size(a.Usage.Used), size(a.Usage.Allowed), 100*a.Usage.Used/max(a.Usage.Allowed, 1))},
		{"answers", answers(a.Stats.Requests)},
		{"processor", elapsed(charges.ProcessorMS)},
		{"writer", elapsed(charges.WriterMS)},
		{"read", size(charges.ReadBytes)},
		{"written", size(charges.WrittenBytes)},
		{"log", size(charges.LogBytes)},
		{"held", size(charges.HeldBytes) + " in memory now"},
		{"runs", fmt.Sprintf("%d under way, %d waiting", charges.InFlight, charges.Waiting)},
		{"warnings", fmt.Sprint(charges.Warnings)},
	} {
		if row[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", row[0], printable(oneRow.Replace(row[1])))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return writeIndexes(out, a.Indexes)
}

// writeIndexes writes which fields are indexed, and what scans cost, a line each.
func writeIndexes(out io.Writer, collections []api.CollectionIndexes) error {
	if len(collections) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprint(w, "\ncollection\tdocuments\tindex\tmade by\tused\n")
	for _, c := range collections {
		name := printable(oneRow.Replace(c.Collection))
		for _, x := range c.Indexes {
			maker, used := "manifest", "not yet"
			if x.Automatic {
				maker = "itself"
			}
			switch {
			case !x.Ready:
				used = "is being built"
			case x.UsedAt != nil:
				used = x.UsedAt.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", name, c.Documents, printable(oneRow.Replace(x.Field)), maker, used)
		}
		if c.Scans > 0 {
			fmt.Fprintf(w, "%s\t%d\tnone, for %d scans of %d documents\t\t\n", name, c.Documents, c.Scans, c.Scanned)
		}
	}
	return w.Flush()
}

// answers says how many answers there were, by what gave them and how they ended.
func answers(requests map[string]map[string]uint64) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(requests)) {
		for _, status := range slices.Sorted(maps.Keys(requests[kind])) {
			parts = append(parts, fmt.Sprintf("%d %s %s", requests[kind][status], kind, status))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func elapsed(ms float64) string {
	return time.Duration(ms * float64(time.Millisecond)).Round(100 * time.Microsecond).String()
}
