// Package faults breaks what a server under test depends on: the line to it, the
// clients in front of it, its process, and the disk below it.
//
//   - [Proxy] is a line that is slow, narrow, cut or dead, and that changes while it is
//     in use.
//   - [Hang], [Dribble], [HugeJSON], [RedirectLoop] and their like are handlers for an
//     endpoint that the server asks, such as one of an issuer that it trusts.
//   - [SlowHeaders], [SlowBody] and [SlowReader] are clients that keep a connection for
//     as long as the server lets them.
//   - [Command] starts a [Process], which can be killed as kill -9 does, started again,
//     and given a full disk by [Process.LimitFiles].
//   - [NewDisk] makes a small file system, which can be filled and emptied.
//
// Nothing here knows of fazt: it serves the tests of any server. Waiting is by events
// and bounded by a context, so that a busy machine makes a test slower and not wrong.
package faults
