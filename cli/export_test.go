package cli

import (
	"io"
	"io/fs"
)

// LabelOf, ReadSource and Arrange are opened to the tests.
var LabelOf = labelOf

func ReadSource(dir string, private bool) (fsys fs.FS, privateLeftOut bool, err error) {
	s, err := readSource(dir, private)
	if err != nil {
		return nil, false, err
	}
	return s, s.privateLeftOut, nil
}

func Arrange(args []string) (arranged []string, help bool, err error) {
	l, err := parse(newApp(io.Discard, io.Discard), args)
	if err != nil {
		return nil, false, err
	}
	return l.arranged()[1:], l.help, nil
}
