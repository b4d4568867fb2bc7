// Package jsapi is what a handler's JavaScript sees of the server: one table of
// functions with their parameters and results, from which the host functions of
// package runtime are made, and the [Invocation] that each of them serves.
//
// The functions are the same for every app and are made once for a server. They
// find out by their context whose run they serve, so that a thousand loaded apps
// do not hold a thousand copies of them.
//
// There is no HTTP here. An invocation has an app, a budget, and perhaps a
// [Visitor], which is how a request comes in.
package jsapi
