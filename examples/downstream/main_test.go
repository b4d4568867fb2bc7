package main

import (
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

func TestMain(m *testing.M) { harnesstest.Main(m) }

func TestWall(t *testing.T) {
	srv := harnesstest.Start(t)
	handler, err := newHandler(t.Context(), srv.Fazt)
	if err != nil {
		t.Fatal(err)
	}
	stranger := srv.Serve(handler)
	note := map[string]string{"text": "hello"}
	stranger.Do("POST", "/wall/api/notes", note).Expect(401)

	ada := stranger.As(harnesstest.User{Email: "ada@example.com", Name: "Ada"})
	ada.Do("POST", "/wall/api/notes", note).Expect(201)
	ada.Do("POST", "/wall/api/notes", note).Expect(201)
	ada.Do("POST", "/wall/api/notes", note).Expect(409) // by the program's own function

	var wall struct{ Notes []struct{ Text, By string } }
	stranger.Get("/wall/api/notes").Expect(200).JSON(&wall)
	if len(wall.Notes) != 2 || wall.Notes[0].By != "Ada" {
		t.Error(wall)
	}

	harnesstest.Requests(t, stranger.Target) // as far as HTTP goes, for a service of one's own
}
