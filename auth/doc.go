// Package auth answers who is asking: it keeps users, sessions and API keys,
// serves the pages under /auth/ on every host, and hands a session over from
// the host where people sign in to the host of an app.
//
// # Hosts
//
// People sign in on the server's own host only: admin.<domain>, or the bare
// host when it is localhost, 127.0.0.1 or [::1]. The hosts of apps are
// <domain> itself (which serves the root app), <label>.<domain> and
// <label>.localhost; each gets a session of its own when its visitor asks to
// sign in. So a cookie that may manage the server is never sent to a host that
// an app's author controls, and no app learns who visits without being asked.
// Without a Domain every other host is its own: a service with one host.
//
// # Hand-over
//
// GET /auth/login on an app's host puts a random verifier into a cookie there
// and sends the browser to the own host with the verifier's SHA-256, as PKCE
// does (RFC 7636). Once the visitor has signed in, or has said with one click
// that they go on as who they are, the own host makes a code and sends the
// browser back with it. The code is single-use, good for a minute, and of
// value only on that host and together with the verifier.
//
// # Sessions
//
// A session is a 256-bit random token of which only the SHA-256 is stored. It
// is good on the host it was made for. What was read of it is believed for half a
// second, unless this Auth writes anything meanwhile: so a page with all its
// requests costs one read, and a session that was ended is refused at once by the
// Auth that ended it, and within a second by every other process on the data.
//
// Logging out of an app ends that app's session alone. Logging out of the own
// host ends also the sessions that were handed over from it.
//
// # People
//
// Whoever has the machine makes a set-up link ([Auth.CreateSetup]), and whoever opens
// that becomes owner. Owners and admins invite others ([Auth.CreateInvite]). Both are
// redeemed by a password, by a provider or by who is signed in, at once and only as
// often as they are for. What somebody may do to others is read with the change, from
// the [api.Actor] of its context: nobody gives more than they have, and API keys and
// invites are good while whoever made them may give what they do.
//
// Passwords are hashed by argon2id, two at once. Attempts are counted in memory by
// address and by account, whether it exists or not; a browser that has signed in to
// an account before is counted by itself, so that guessing can't lock its owner out.
//
// # Programs
//
// A program mounts an Auth at /auth/ and protects its own handlers by
// [Auth.RequireUser] and [Auth.RequireRole]; [UserFrom] says who is there. One that
// knows its visitors by itself gives them a session by [Auth.SignIn].
//
// # Passkeys
//
// Where [Options].Passkeys is set, users may add passkeys on the page of their sessions
// and sign in by them: on the own host and from its own pages only. A challenge is in a
// sealed cookie, and used once.
//
// # Providers
//
// A [Provider] is another site that people sign in by. The browser is sent there with
// a state, which a sealed cookie of that browser holds, and comes back with it: once,
// within 15 minutes, and to the browser that it began in. An identity belongs to the
// user who signed in by it before, else to the one who adds it to theirs, else to the
// one who has the same e-mail address, where both sides have proven it, else to a new
// one.
// [NewProvider] makes one of an OpenID Connect issuer: authorization code with PKCE,
// nonce, and an id_token that is verified. An issuer is asked when somebody signs in,
// and each request waits 10 s for it at most.
//
// The dev provider signs in whoever its form says, so that an app's sign-in can
// be tried on one's own machine. It exists only for requests that come from
// this machine; see [Options.Dev].
package auth
