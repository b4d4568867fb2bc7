//go:build cgo

package sqlite

/*
#include <stdlib.h>
#include <string.h>

// What is used of SQLite (https://www.sqlite.org/c3ref/funclist.html), which the driver
// brings. It is weak since this package by itself links without it.
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_context sqlite3_context;
typedef struct sqlite3_value sqlite3_value;
#define WEAK __attribute__((weak))
WEAK int sqlite3_auto_extension(void (*)(void));
WEAK int sqlite3_create_function_v2(sqlite3 *, const char *, int, int, void *,
	void (*)(sqlite3_context *, int, sqlite3_value **), void (*)(sqlite3_context *, int, sqlite3_value **),
	void (*)(sqlite3_context *), void (*)(void *));
WEAK void *sqlite3_aggregate_context(sqlite3_context *, int);
WEAK void *sqlite3_user_data(sqlite3_context *);
WEAK const unsigned char *sqlite3_value_text(sqlite3_value *);
WEAK int sqlite3_value_bytes(sqlite3_value *);
WEAK void sqlite3_result_int64(sqlite3_context *, long long);
WEAK void sqlite3_result_error_toobig(sqlite3_context *);
WEAK void sqlite3_result_error_nomem(sqlite3_context *);
enum { UTF8 = 1, DIRECTONLY = 0x80000 };

// A joiner holds the text that a connection has joined last.
typedef struct { char *text; size_t size, room, most; } joiner;

static int grow(joiner *j, size_t room) {
	char *text = realloc(j->text, room);
	if (!text) return 0;
	j->text = text;
	j->room = room;
	return 1;
}

static void join_step(sqlite3_context *ctx, int n, sqlite3_value **args) {
	joiner *j = sqlite3_user_data(ctx);
	char *begun = sqlite3_aggregate_context(ctx, 1);
	const unsigned char *body = sqlite3_value_text(args[0]);
	size_t size = sqlite3_value_bytes(args[0]);
	(void)n;
	if (!begun || !body) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	if (!*begun) j->size = 0;
	if (j->size + size + 1 > j->most) {
		sqlite3_result_error_toobig(ctx);
		return;
	}
	if (j->size + size + 1 > j->room && !grow(j, 2 * (j->size + size + 1))) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	if (*begun) j->text[j->size++] = 30; // separator
	*begun = 1;
	memcpy(j->text + j->size, body, size);
	j->size += size;
}

static void join_final(sqlite3_context *ctx) {
	joiner *j = sqlite3_user_data(ctx);
	char *begun = sqlite3_aggregate_context(ctx, 0);
	if (!begun || !*begun) j->size = 0;
	sqlite3_result_int64(ctx, j->size);
}

// What this thread opens next has the function, and no other connection of the process.
static __thread joiner *opening;
static void expect(joiner *j) { opening = j; }

static int extend(sqlite3 *db, char **message, const void *api) {
	(void)message, (void)api;
	if (!opening) return 0;
	return sqlite3_create_function_v2(db, "join_bodies", 1, UTF8 | DIRECTONLY, opening, 0, join_step, join_final, 0);
}

static int install(void) {
	return sqlite3_auto_extension && sqlite3_create_function_v2 && sqlite3_auto_extension((void (*)(void))extend) == 0;
}

static joiner *new_joiner(size_t most) {
	joiner *j = calloc(1, sizeof *j);
	if (j) j->most = most;
	return j;
}

static void free_text(joiner *j) {
	free(j->text);
	j->text = 0;
	j->size = j->room = 0;
}

static void free_joiner(joiner *j) {
	free_text(j);
	free(j);
}
*/
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// joiner is a connection's function join_bodies(body), an aggregate that joins as
// group_concat does and returns how many bytes that made. They stay where C has
// them: the driver would copy each text to Go's heap, and to collect them took a third
// of a scan.
type joiner struct{ c *C.joiner }

// canJoin is false where SQLite comes from elsewhere and has no such functions.
var canJoin = sync.OnceValue(func() bool { return C.install() != 0 })

// openJoining opens a connection that has the function. The joiner is nil where there is
// none; it is to be closed after the connection.
func openJoining(open func() (*conn, error)) (*conn, *joiner, error) {
	if !canJoin() {
		c, err := open()
		return c, nil, err
	}
	j := &joiner{C.new_joiner(maxText)}
	if j.c == nil {
		c, err := open()
		return c, nil, err
	}
	runtime.LockOSThread()
	C.expect(j.c)
	c, err := open()
	C.expect(nil)
	runtime.UnlockOSThread()
	if err != nil {
		j.close()
		return nil, nil, err
	}
	return c, j, nil
}

// text returns what was joined last. It is good until the connection joins again, or
// [joiner.trim].
func (j *joiner) text() string {
	if j.c.size == 0 {
		return ""
	}
	return unsafe.String((*byte)(unsafe.Pointer(j.c.text)), int(j.c.size))
}

// trim frees a text that is far larger than most are.
func (j *joiner) trim() {
	if j != nil && j.c.room > 4*batchBytes {
		C.free_text(j.c)
	}
}

func (j *joiner) close() {
	if j != nil {
		C.free_joiner(j.c)
	}
}
