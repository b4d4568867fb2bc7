// Package openapitest holds the OpenAPI document of the management API against the
// specification, and real answers of a real server against the document, by a library
// that fazt itself does not link.
package openapitest
