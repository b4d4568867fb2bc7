//go:build cgo

package sqlite

/*
#include <stddef.h>

// The C library of GNU has it, and others need none.
int malloc_trim(size_t pad) __attribute__((weak));

static void trim(void) { if (malloc_trim) malloc_trim(0); }
*/
import "C"

// releaseMemory gives back to the system what SQLite has freed. The C library keeps it
// for each thread that has had any, up to as much for each as a query may take.
func releaseMemory() { C.trim() }
