package harnesstest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// refusedBody reports an answer to a body that is not one of the statuses.
func refusedBody(p *Probe, what string, res *Response, statuses ...int) {
	p.Helper()
	for _, status := range statuses {
		if res != nil && res.Status == status {
			return
		}
	}
	p.Errorf("%s: want status %v, got %v", what, statuses, res)
}

// bodySize: a body that is too large is refused, before it comes where its length is
// said, and as it comes where not.
func bodySize(p *Probe) {
	v := newStranger(p)
	app := p.Deploy(guarded)
	if res := v.send(http.MethodPost, app.URL+"/api/length", strings.Repeat("x", 100<<10)); res.Body != `{"ran":true,"length":102400}` {
		p.Errorf("a body of 100 KiB: %v", res)
	}
	for _, kind := range []string{"text/plain", "multipart/form-data; boundary=x"} {
		res, err := v.raw("POST /api/length HTTP/1.1\r\nHost: " + hostOf(app.URL) + "\r\nContent-Type: " + kind +
			"\r\nContent-Length: " + strconv.Itoa(1<<30) + "\r\nExpect: 100-continue\r\n\r\n")
		if err != nil {
			p.Errorf("a body of 1 GiB that is announced: %v", err)
			continue
		}
		refusedBody(p, "a body of 1 GiB that is announced", res, http.StatusRequestEntityTooLarge)
	}
	if sent, res := sendChunks(p, v, hostOf(app.URL), 64<<20); res != nil {
		refusedBody(p, fmt.Sprintf("a body that does not end, after %d MiB", sent>>20), res, http.StatusRequestEntityTooLarge)
	} else if sent >= 64<<20 {
		p.Errorf("a body that does not end: the server has taken %d MiB of it", sent>>20)
	}
}

// sendChunks sends a body in chunks until the server answers, or closes the connection,
// which is no answer, or has been sent so much.
func sendChunks(p *Probe, v *stranger, host string, limit int64) (sent int64, res *Response) {
	p.Helper()
	conn := v.connect()
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(p.patience())); err != nil {
		p.Fatal(err)
	}
	answered := make(chan *Response, 1)
	go func() {
		res, _ := readRaw(conn) // what is none is nil
		answered <- res
	}()
	if _, err := fmt.Fprintf(conn, "POST /api/length HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n", host); err != nil {
		p.Fatal(err)
	}
	chunk := []byte("10000\r\n" + strings.Repeat("x", 0x10000) + "\r\n")
	for ; sent < limit; sent += 0x10000 {
		select {
		case res := <-answered:
			return sent, res
		default:
		}
		if _, err := conn.Write(chunk); err != nil {
			break
		}
	}
	if sent >= limit {
		if _, err := io.WriteString(conn, "0\r\n\r\n"); err != nil {
			return sent, nil
		}
	}
	return sent, <-answered
}

// nestedJSON: JSON that nests too deep for any stack is refused, and costs nobody else
// anything.
func nestedJSON(p *Probe) {
	v := newStranger(p)
	app := p.Deploy(guarded)
	for name, body := range map[string]string{
		"500,000 arrays":         strings.Repeat("[", 500_000) + strings.Repeat("]", 500_000),
		"500,000 open arrays":    strings.Repeat("[", 500_000),
		"150,000 objects":        strings.Repeat(`{"a":`, 150_000) + "1" + strings.Repeat("}", 150_000),
		"100,000 of each, mixed": strings.Repeat(`[{"a":`, 100_000) + "1" + strings.Repeat("}]", 100_000),
	} {
		res, err := v.try(v.request(http.MethodPost, app.URL+"/api/length", body, "Content-Type", "application/json"))
		if err != nil {
			p.Errorf("%s: the server does not answer: %v", name, err)
			continue
		}
		refusedBody(p, name, res, http.StatusBadRequest, http.StatusRequestEntityTooLarge)
	}
	if res := v.get(app.URL + "/api/me"); res.Status != http.StatusOK {
		p.Errorf("after them: %v", res)
	}
}

// gzipBomb: a small body that unpacks to a large one is not unpacked for whoever asks.
func gzipBomb(p *Probe) {
	v := newStranger(p)
	app := p.Deploy(guarded)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(make([]byte, 16<<20)); err != nil {
		p.Fatal(err)
	}
	if err := z.Close(); err != nil {
		p.Fatal(err)
	}
	for _, kind := range []string{"text/plain", "application/json", "application/octet-stream"} {
		res := v.send(http.MethodPost, app.URL+"/api/length", bomb.String(), "Content-Type", kind, "Content-Encoding", "gzip")
		refusedBody(p, "16 MiB packed into "+strconv.Itoa(bomb.Len()>>10)+" KiB as "+kind, res, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge)
	}
}

// manyParts: a form's fields cost more than their bytes, so there is a limit to them.
func manyParts(p *Probe) {
	v := newStranger(p)
	app := p.Deploy(guarded)
	post := func(name string, parts int, header string) {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		for i := range parts {
			fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=\"f%d\"\r\n%s\r\nx\r\n", form.Boundary(), i, header)
		}
		fmt.Fprintf(&body, "--%s--\r\n", form.Boundary())
		res := v.send(http.MethodPost, app.URL+"/api/length", body.String(), "Content-Type", form.FormDataContentType())
		refusedBody(p, name, res, http.StatusBadRequest, http.StatusRequestEntityTooLarge)
	}
	post("a form of 100,000 fields", 100_000, "")
	post("a field with 100,000 headers", 1, strings.Repeat("X-A: b\r\n", 100_000))
	post("a field with a header of 11 MiB", 1, "X-A: "+strings.Repeat("b", 11<<20)+"\r\n")
}

// archive is a ZIP file whose entries are what write makes.
func archive(p *Probe, write func(*zip.Writer)) []byte {
	p.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	write(z)
	if err := z.Close(); err != nil {
		p.Fatal(err)
	}
	return b.Bytes()
}

// entry adds a file to an archive by a header.
func entry(p *Probe, z *zip.Writer, h zip.FileHeader) {
	p.Helper()
	w, err := z.CreateHeader(&h)
	if err != nil {
		p.Fatal(err)
	}
	if _, err := io.WriteString(w, "x"); err != nil {
		p.Fatal(err)
	}
}

// upload deploys an archive under a name as a program does, and returns the answer.
func (v *stranger) upload(key, name string, archive []byte) *Response {
	v.probe.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	form.WriteField("site_name", name) // a bytes.Buffer takes every write
	part, _ := form.CreateFormFile("file", "app.zip")
	part.Write(archive)
	form.Close()
	return v.send(http.MethodPost, v.probe.Target.Base()+"/api/deploy", body.String(),
		"Content-Type", form.FormDataContentType(), "Authorization", "Bearer "+key)
}

// refusedArchive uploads an archive over an app, which must stay as it is.
func refusedArchive(p *Probe, v *stranger, key string, app *App, what string, bytes []byte) {
	p.Helper()
	res := v.upload(key, app.Name, bytes)
	if res.Status < 400 || res.Status >= 500 {
		p.Errorf("an archive with %s is answered %v, want a refusal", what, res)
	}
	if res := v.get(app.URL + "/"); res.Status != http.StatusOK || !strings.Contains(res.Body, "home") {
		p.Errorf("after an archive with %s the app answers %v", what, res)
	}
}

// bomb adds a file of so many MiB of zeros to an archive, of which the first is packed and
// the others are the same again.
func bomb(p *Probe, z *zip.Writer, name string, mebibytes int) {
	p.Helper()
	var packed bytes.Buffer
	deflate, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		p.Fatal(err)
	}
	clear := make([]byte, 1<<20)
	if _, err := deflate.Write(clear); err != nil {
		p.Fatal(err)
	}
	if err := deflate.Flush(); err != nil { // to a whole byte, so that it can be repeated
		p.Fatal(err)
	}
	one := packed.Len()
	if err := deflate.Close(); err != nil {
		p.Fatal(err)
	}
	all := append(bytes.Repeat(packed.Bytes()[:one], mebibytes), packed.Bytes()[one:]...)
	sum := crc32.NewIEEE()
	for range mebibytes {
		sum.Write(clear)
	}
	w, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, CRC32: sum.Sum32(),
		CompressedSize64: uint64(len(all)), UncompressedSize64: uint64(mebibytes) << 20})
	if err != nil {
		p.Fatal(err)
	}
	if _, err := w.Write(all); err != nil {
		p.Fatal(err)
	}
}

// archiveBombs: an archive that unpacks to more than an app may have is refused, and not
// unpacked to its end.
func archiveBombs(p *Probe) {
	v := newStranger(p)
	key := p.Target.(Keyer).Key(p, "deploy")
	app := p.Deploy(guarded)
	for what, write := range map[string]func(*zip.Writer){
		"a file of 120 MiB": func(z *zip.Writer) { bomb(p, z, "index.html", 120) },
		"25,000 files": func(z *zip.Writer) {
			for i := range 25_000 {
				if _, err := z.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("f%d", i)}); err != nil {
					p.Fatal(err)
				}
			}
		},
		"no end": nil,
	} {
		bytes := []byte("PK\x03\x04 and then nothing that is an archive")
		if write != nil {
			bytes = archive(p, write)
		}
		refusedArchive(p, v, key, app, what, bytes)
	}
}

// archivePaths: an archive with a file outside of the app, or with one that means
// something else elsewhere, is refused whole.
func archivePaths(p *Probe) {
	v := newStranger(p)
	key := p.Target.(Keyer).Key(p, "deploy")
	app := p.Deploy(guarded)
	link := zip.FileHeader{Name: "link.txt"}
	link.SetMode(fs.ModeSymlink | 0o777)
	for what, headers := range map[string][]zip.FileHeader{
		"a parent directory":         {{Name: "../escaped.txt"}},
		"a parent directory inside":  {{Name: "assets/../../escaped.txt"}},
		"an absolute path":           {{Name: "/etc/escaped.txt"}},
		"a Windows path":             {{Name: `..\escaped.txt`}},
		"a drive":                    {{Name: `C:\escaped.txt`}},
		"a NUL":                      {{Name: "index.html\x00.txt"}},
		"a line end":                 {{Name: "a\r\nX-Injected: 1"}},
		"one name twice":             {{Name: "index.html"}, {Name: "index.html"}},
		"a symbolic link":            {link},
		"a file of the server's own": {{Name: "_fazt/own.js"}},
	} {
		refusedArchive(p, v, key, app, what, archive(p, func(z *zip.Writer) {
			entry(p, z, zip.FileHeader{Name: "other.html"})
			for _, h := range headers {
				entry(p, z, h)
			}
		}))
	}
}
