package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
)

// Answer is what [Load.Check] sees of an answer.
type Answer struct {
	Status     int
	RetryAfter string
	// Body is the whole body. It is the generator's buffer, and valid until the
	// check returns.
	Body []byte

	close bool // the connection can't be used again
}

func (a Answer) refused() bool {
	return a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable
}

var errMalformed = errors.New("not an HTTP/1.1 answer")

// head is an answer's framing.
type head struct {
	Answer
	length  int64 // -1: until the connection is closed
	chunked bool
}

// readAnswer reads one answer, and its body into keep, if that isn't nil. It looks
// at as little as HTTP allows, so that the processors are the server's.
func readAnswer(r *bufio.Reader, toHead bool, keep *bytes.Buffer) (Answer, error) {
	h, err := readHead(r)
	for err == nil && h.Status < 200 && h.Status != http.StatusSwitchingProtocols {
		h, err = readHead(r) // 100 and 103 come before the answer
	}
	if err != nil {
		return Answer{}, err
	}
	if toHead || h.Status == http.StatusNoContent || h.Status == http.StatusNotModified {
		return h.Answer, nil // which have no body, whatever they say
	}
	var to io.Writer = io.Discard
	if keep != nil {
		keep.Reset()
		to = keep
	}
	if err = h.body(r, to); err == nil && keep != nil {
		h.Body = keep.Bytes()
	}
	return h.Answer, err
}

func (h *head) body(r *bufio.Reader, to io.Writer) error {
	switch {
	case h.chunked:
		if _, err := io.Copy(to, httputil.NewChunkedReader(r)); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return err
			}
			return fmt.Errorf("%w: %w", errMalformed, err)
		}
		return readTrailer(r)
	case h.length >= 0:
		n, err := io.CopyN(to, r, h.length)
		if errors.Is(err, io.EOF) && n < h.length {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	h.close = true
	_, err := io.Copy(to, r)
	return err
}

func readTrailer(r *bufio.Reader) error {
	for {
		line, err := readLine(r)
		if err != nil || len(line) == 0 {
			return err
		}
	}
}

func readHead(r *bufio.Reader) (h head, err error) {
	h.length = -1
	status, err := readLine(r)
	if err != nil {
		return h, err
	}
	if len(status) < 12 || !bytes.HasPrefix(status, []byte("HTTP/1.")) {
		return h, fmt.Errorf("%w: it begins with %.40q", errMalformed, status)
	}
	h.close = status[7] == '0'
	if h.Status, err = strconv.Atoi(string(status[9:12])); err != nil || h.Status < 100 {
		return h, fmt.Errorf("%w: it begins with %.40q", errMalformed, status)
	}
	for {
		line, err := readLine(r)
		if err != nil || len(line) == 0 {
			return h, err
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return h, fmt.Errorf("%w: it has the header line %.40q", errMalformed, line)
		}
		if err := h.field(name, bytes.TrimSpace(value)); err != nil {
			return h, err
		}
	}
}

func (h *head) field(name, value []byte) (err error) {
	switch { // by length first: most fields are none of these
	case len(name) == len("Content-Length") && bytes.EqualFold(name, []byte("Content-Length")):
		if h.length, err = strconv.ParseInt(string(value), 10, 64); err != nil || h.length < 0 {
			return fmt.Errorf("%w: its Content-Length is %.40q", errMalformed, value)
		}
	case len(name) == len("Transfer-Encoding") && bytes.EqualFold(name, []byte("Transfer-Encoding")):
		h.chunked = bytes.EqualFold(value, []byte("chunked"))
	case len(name) == len("Connection") && bytes.EqualFold(name, []byte("Connection")):
		h.close = h.close || bytes.EqualFold(value, []byte("close"))
	case len(name) == len("Retry-After") && bytes.EqualFold(name, []byte("Retry-After")):
		h.RetryAfter = string(value)
	}
	return nil
}

// readLine is a line without its end. It is the reader's buffer.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("%w: it has a line of more than %d bytes", errMalformed, r.Size())
	case errors.Is(err, io.EOF) && len(line) > 0:
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}
