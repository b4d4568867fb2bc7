package harnesstest

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"mime/multipart"
	"strings"
)

// deploys has an owner deploy an app of 100 MB over and over, of 2 MB files each of which
// is another every time.
func deploys(ctx context.Context, a *attacker, _ int) {
	text := []byte(strings.Repeat("x", 32))
	for i := 0; len(text) < 2<<20; i++ {
		text = fmt.Appendf(text, "function name%d(a, b) { return a * %d + b %% %d; }\n", i, i*7919%10007, i%97+1)
	}
	a.flood(ctx, 1, func(n int) []byte {
		var archive bytes.Buffer
		z := zip.NewWriter(&archive)
		for i := range 50 {
			copy(text, fmt.Sprintf("// %028d\n", n*50+i))
			w, err := z.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("f%d.js", i), Method: zip.Store, CRC32: crc32.ChecksumIEEE(text),
				CompressedSize64: uint64(len(text)), UncompressedSize64: uint64(len(text))})
			if err != nil {
				panic(err)
			}
			w.Write(text)
		}
		z.Close()
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		form.WriteField("site_name", strings.TrimSuffix(a.host, ".localhost"))
		part, err := form.CreateFormFile("file", "app.zip")
		if err != nil {
			panic(err)
		}
		part.Write(archive.Bytes())
		form.Close()
		head := fmt.Sprintf("POST /api/deploy HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
			a.token, form.FormDataContentType(), body.Len())
		return append([]byte(head), body.Bytes()...)
	})
}
