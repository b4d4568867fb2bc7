package auth

import (
	"net/http"
	"strings"
)

// WantsPage reports whether r comes from a browser that shows the answer as a
// page, be it a link that was followed or a form that was sent. A script's
// fetch and a program want JSON. Browsers say so by Sec-Fetch-Mode, and those
// from before 2023 by an Accept header that has text/html.
func WantsPage(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// IsNavigation reports whether r's sender may be sent to sign in and come back
// to the same address: it wants a page, by GET. A form that was sent wants a
// page too, but to come back would be without its fields.
func IsNavigation(r *http.Request) bool { return r.Method == http.MethodGet && WantsPage(r) }
