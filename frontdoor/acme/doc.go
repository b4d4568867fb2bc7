// Package acme has the certificates of a server that answers many host names, from
// an authority that speaks ACME (RFC 8555), such as Let's Encrypt:
//
//	certificates, err := acme.New(acme.Options{
//		Store: store, Email: "you@example.com", Known: server.HasHost,
//		TLSAddr: listener.Addr(),
//	})
//	...
//	err = server.Serve(ctx, tls.NewListener(listener, certificates.TLSConfig()))
//
// A certificate is asked for when the first client names a host, and only for hosts
// that the server knows. It is kept in a [storage.Certificates], where all servers
// on the same data find it, and renewed in the background, while clients get the one
// that is there. No handshake with a host that the server does not know costs more
// than the question whether it does.
//
// The authority is asked for no more than 20 new hosts in an hour, by all servers on
// the data together, and for one that it refused only after a while, longer each
// time: authorities shut out those who ask too often, for a week.
//
// The work with the authority is github.com/caddyserver/certmagic's.
package acme
