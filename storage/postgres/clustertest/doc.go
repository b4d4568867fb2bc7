// Package clustertest holds the tests of several fazt servers on one PostgreSQL
// database: what a visitor sees who is sent to another of them with every request, and
// what is left when one of them, or the database, dies.
package clustertest
