// Package dates is the arithmetic, the reading and the printing of JavaScript's dates.
//
// A time is a number of milliseconds since 1970 in UTC, whole and at most [Most] from it,
// or NaN, as a Date has it. A local time is the same number for a clock on the wall.
package dates
