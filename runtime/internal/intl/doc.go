// Package intl is Intl of JavaScript: numbers, dates, lists, plurals and order as people in
// a locale write them.
//
// It has the locales of locales.json, and refuses others: a wrong format in silence is
// worse than an error. The same goes for an option that it doesn't have: each error is a
// RangeError that says what there is. The data is the Unicode CLDR's (Unicode License v3),
// as Node prints it; generate.js writes it. Plurals and order come from golang.org/x/text.
package intl
