package api

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
)

// deployForm is what deploy takes.
type deployForm struct {
	Name   string `form:"site_name" doc:"the app's name. Default: the manifest's"`
	File   []byte `form:"file" doc:"the app's directory as a ZIP"`
	SPA    bool   `form:"spa" doc:"whether a path without a file answers index.html. Default: as the manifest has it"`
	URL    string `form:"source_url" doc:"the Git repository that the app is from; a password in it is left out"`
	Ref    string `form:"source_ref" doc:"the branch, tag or commit that was asked for"`
	Commit string `form:"source_commit" doc:"the commit that it was"`
}

// deploy takes a multipart form.
func (h *handler) deploy(w http.ResponseWriter, r *http.Request) error {
	limit := h.MaxDeploy + 1<<20 // the form's own overhead is small beside the archive
	if r.ContentLength > limit {
		return uploadError(&http.MaxBytesError{Limit: limit}) // before a client that expects 100 Continue sends it
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	form, err := r.MultipartReader()
	if err != nil {
		return invalid("send a multipart form with the fields site_name and file (a ZIP)")
	}
	archive, fields, err := readDeployForm(form)
	if err == nil {
		// That the client goes away is noticed once the body is at its end.
		if _, failed := io.Copy(io.Discard, r.Body); failed != nil {
			err = uploadError(failed)
		}
	}
	if archive != nil {
		defer os.Remove(archive.Name())
		defer archive.Close()
	}
	if err != nil {
		return err
	}
	if archive == nil {
		return invalid("file: is missing; send the app as a ZIP")
	}
	info, err := archive.Stat()
	if err != nil {
		return err
	}
	var opts []DeployOption
	if text, ok := fields["spa"]; ok {
		on, err := strconv.ParseBool(text)
		if err != nil {
			return invalid("spa: must be true or false")
		}
		opts = append(opts, SPA(on))
	}
	opts = append(opts, From(Source{URL: fields["source_url"], Ref: fields["source_ref"], Commit: fields["source_commit"]}))
	d, err := h.Service.DeployZIP(r.Context(), fields["site_name"], archive, info.Size(), opts...)
	if err != nil {
		return err
	}
	h.Logger.Info("deployed", "app", d.App, "version", d.Version, "request_id", w.Header().Get(RequestIDHeader))
	return writeData(w, d, nil)
}

func invalid(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "INVALID", Message: fmt.Sprintf(format, args...)}
}

// maxDeployFields is more than the form of any client of ours has.
const maxDeployFields = 100

// readDeployForm puts the archive into a temporary file, which the caller
// removes, and returns the other fields.
func readDeployForm(form *multipart.Reader) (archive *os.File, fields map[string]string, err error) {
	fields = make(map[string]string)
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return archive, fields, nil
		}
		if err != nil {
			return archive, nil, uploadError(err)
		}
		if part.FormName() != "file" {
			text, err := io.ReadAll(io.LimitReader(part, 4096))
			if err != nil {
				return archive, nil, uploadError(err)
			}
			if len(fields) >= maxDeployFields {
				return archive, nil, invalid("the form has too many fields")
			}
			fields[part.FormName()] = string(text)
			continue
		}
		if archive != nil {
			return archive, nil, invalid("file: is there twice")
		}
		if archive, err = os.CreateTemp("", "fazt-deploy-*.zip"); err != nil {
			return nil, nil, err
		}
		if _, err := io.Copy(archive, part); err != nil {
			return archive, nil, uploadError(err)
		}
	}
}

func uploadError(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "QUOTA_EXCEEDED",
			Message: fmt.Sprintf("the upload is larger than %d bytes", tooLarge.Limit)}
	}
	return invalid("the upload could not be read: %v", err)
}

// Deploy sends the files as a ZIP to POST /api/deploy.
func (c *Client) Deploy(ctx context.Context, name string, files fs.FS, opts ...DeployOption) (*Deployment, error) {
	archive, err := os.CreateTemp("", "fazt-deploy-*.zip")
	if err != nil {
		return nil, err
	}
	defer os.Remove(archive.Name())
	defer archive.Close()
	z := zip.NewWriter(archive)
	if err := z.AddFS(files); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	size, err := archive.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	return c.DeployZIP(ctx, name, archive, size, opts...)
}

// DeployZIP sends POST /api/deploy.
func (c *Client) DeployZIP(ctx context.Context, name string, archive io.ReaderAt, size int64, opts ...DeployOption) (*Deployment, error) {
	var opt DeployOptions
	for _, set := range opts {
		set(&opt)
	}
	body, out := io.Pipe()
	defer body.Close() // ends the writer when the request fails
	form := multipart.NewWriter(out)
	var content io.Reader = io.NewSectionReader(archive, 0, size)
	if opt.Progress != nil {
		content = &progressReader{content, opt.Progress, 0, size}
	}
	go func() { out.CloseWithError(writeDeployForm(form, name, opt, content)) }()
	d := &Deployment{}
	if err := c.do(ctx, http.MethodPost, "/api/deploy", body, form.FormDataContentType(), d); err != nil {
		return nil, err
	}
	return d, nil
}

// progressReader tells how much of it has been read.
type progressReader struct {
	io.Reader
	told       func(sent, total int64)
	sent, size int64
}

func (r *progressReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.sent += int64(n)
	r.told(r.sent, r.size)
	return n, err
}

func writeDeployForm(form *multipart.Writer, name string, opt DeployOptions, archive io.Reader) error {
	fields := [][2]string{{"site_name", name}, {"source_url", opt.From.URL}, {"source_ref", opt.From.Ref}, {"source_commit", opt.From.Commit}}
	if opt.SPA != nil {
		fields = append(fields, [2]string{"spa", strconv.FormatBool(*opt.SPA)})
	}
	for _, f := range fields {
		if f[1] == "" {
			continue
		}
		if err := form.WriteField(f[0], f[1]); err != nil {
			return err
		}
	}
	part, err := form.CreateFormFile("file", "app.zip")
	if err == nil {
		_, err = io.Copy(part, archive)
	}
	if err != nil {
		return err
	}
	return form.Close()
}
