package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// The codes of a sign-in by a [Provider] that failed, which this package answers by
// itself. An [*Error] of a Provider may have those from FailDenied on; any other error
// of one is FailProviderFailed.
const (
	FailStateInvalid Code = "STATE_INVALID"    // the browser brings no sign-in of its own back
	FailStateExpired Code = "STATE_EXPIRED"    // it took too long
	FailStateUsed    Code = "STATE_USED"       // it was brought back before
	FailAnswer       Code = "ANSWER_INVALID"   // what the browser brings back is malformed
	FailEmailTaken   Code = "EMAIL_TAKEN"      // the address is another user's
	FailLink         Code = "LINK_REFUSED"     // the identity can't be added to the user
	FailInvite       Code = "INVITE_INVALID"   // the invite is unknown, used up or too old
	FailDenied       Code = "PROVIDER_DENIED"  // the visitor said no there
	FailIdentity     Code = "IDENTITY_INVALID" // what the Provider returned is no identity

	FailProviderRefused     Code = "PROVIDER_REFUSED"       // it takes no such request; its set-up is wrong
	FailProviderClient      Code = "PROVIDER_CLIENT"        // it does not take the client id and secret
	FailProviderUnavailable Code = "PROVIDER_UNAVAILABLE"   // it is not there, or can't just now
	FailProviderTimeout     Code = "PROVIDER_TIMEOUT"       // it did not answer in time
	FailProviderAnswer      Code = "PROVIDER_ANSWER"        // it answers what is none
	FailProviderSize        Code = "PROVIDER_TOO_LARGE"     // it answers too much
	FailProviderRedirect    Code = "PROVIDER_REDIRECT"      // it redirects where none may be followed
	FailProviderMetadata    Code = "PROVIDER_METADATA"      // its discovery document can't be used
	FailProviderKeys        Code = "PROVIDER_KEYS"          // its keys can't be used
	FailProviderFailed      Code = "PROVIDER_FAILED"        // anything else
	FailCode                Code = "CODE_REFUSED"           // the code was used, is too old, or another's
	FailResponseIssuer      Code = "RESPONSE_ISSUER"        // the browser comes from another issuer
	FailTokenMissing        Code = "TOKEN_MISSING"          // there is no id_token
	FailTokenMalformed      Code = "TOKEN_MALFORMED"        // the id_token can't be read
	FailTokenAlgorithm      Code = "TOKEN_ALGORITHM"        // it is signed by none, or one that is not taken
	FailTokenKey            Code = "TOKEN_KEY"              // the key it is signed by is not the issuer's
	FailTokenSignature      Code = "TOKEN_SIGNATURE"        // its signature is wrong
	FailTokenIssuer         Code = "TOKEN_ISSUER"           // it is another issuer's
	FailTokenAudience       Code = "TOKEN_AUDIENCE"         // it is for another client
	FailTokenParty          Code = "TOKEN_AUTHORIZED_PARTY" // it was given to another client
	FailTokenExpired        Code = "TOKEN_EXPIRED"          // it is too old
	FailTokenTime           Code = "TOKEN_TIME"             // it is not valid yet, or was made at another time
	FailTokenNonce          Code = "TOKEN_NONCE"            // it belongs to another sign-in
	FailTokenHash           Code = "TOKEN_HASH"             // it came with another access token
	FailTokenSubject        Code = "TOKEN_SUBJECT"          // it names nobody
	FailUserInfoSubject     Code = "USERINFO_SUBJECT"       // the user info is another's
)

// problem is how a sign-in that failed is shown. Nothing of what a provider or a
// browser sent is in it.
type problem struct {
	status      int
	title, text string
}

const (
	notYours   = "This sign-in is too old, was ended already, or began in another browser or tab."
	notSound   = "What the provider sent could not be verified, so nobody was signed in. If this happens again, tell the owner of this server."
	notSetUp   = "The provider does not take this server's requests. Its owner can mend that with: fazt auth provider."
	notWorking = "The provider could not do this just now. Try again shortly, or sign in another way."
)

// problems has what is shown for the codes of a failed sign-in.
var problems = map[Code]problem{
	FailStateInvalid: {http.StatusBadRequest, "That did not work", notYours},
	FailStateExpired: {http.StatusBadRequest, "That took too long", "A sign-in is to end within 15 minutes. Begin again."},
	FailStateUsed:    {http.StatusBadRequest, "That was used already", notYours},
	FailAnswer:       {http.StatusBadRequest, "That did not work", "What the browser brought back from the provider could not be read. Begin again."},
	FailCode:         {http.StatusBadRequest, "That did not work", notYours},
	FailTokenNonce:   {http.StatusBadRequest, "That did not work", notYours},
	FailDenied:       {http.StatusForbidden, "Not signed in", "The provider says that you did not want to go on. Nobody was signed in."},
	FailEmailTaken: {http.StatusConflict, "You have been here before",
		"Another way to sign in has this e-mail address here. Sign in the way you did before, then add this one on the page of your sessions."},
	FailLink: {http.StatusConflict, "That account can't be added",
		"It signs in another user of this server, or you have signed out meanwhile. Nothing was changed."},
	FailInvite: {http.StatusGone, "The invite is not valid", "It was used already, or is too old. Ask who gave it to you for another."},

	FailProviderRefused:     {http.StatusBadGateway, "The provider refuses", notSetUp},
	FailProviderClient:      {http.StatusBadGateway, "The provider refuses", notSetUp},
	FailProviderUnavailable: {http.StatusServiceUnavailable, "One moment", notWorking},
	FailProviderTimeout:     {http.StatusGatewayTimeout, "The provider does not answer", notWorking},
	FailProviderAnswer:      {http.StatusBadGateway, "The provider has a problem", notWorking},
	FailProviderSize:        {http.StatusBadGateway, "The provider has a problem", notWorking},
	FailProviderRedirect:    {http.StatusBadGateway, "The provider has a problem", notWorking},
	FailProviderMetadata:    {http.StatusBadGateway, "The provider has a problem", notSetUp},
	FailProviderKeys:        {http.StatusBadGateway, "The provider has a problem", notWorking},
	FailProviderFailed:      {http.StatusBadGateway, "The provider has a problem", notWorking},

	FailIdentity:        {http.StatusBadGateway, "That could not be verified", notSound},
	FailResponseIssuer:  {http.StatusBadRequest, "That could not be verified", notSound},
	FailTokenMissing:    {http.StatusBadGateway, "That could not be verified", notSound},
	FailTokenMalformed:  {http.StatusBadGateway, "That could not be verified", notSound},
	FailTokenAlgorithm:  {http.StatusBadGateway, "That could not be verified", notSound},
	FailTokenKey:        {http.StatusBadGateway, "That could not be verified", notSound},
	FailTokenSignature:  {http.StatusBadGateway, "That could not be verified", notSound},
	FailTokenIssuer:     {http.StatusBadGateway, "That could not be verified", notSound},
	FailTokenAudience:   {http.StatusBadGateway, "That could not be verified", notSound},
	FailTokenParty:      {http.StatusBadGateway, "That could not be verified", notSound},
	FailTokenExpired:    {http.StatusBadGateway, "That could not be verified", notSound},
	FailTokenTime:       {http.StatusBadGateway, "That could not be verified", notSound},
	FailTokenHash:       {http.StatusBadGateway, "That could not be verified", notSound},
	FailTokenSubject:    {http.StatusBadGateway, "That could not be verified", notSound},
	FailUserInfoSubject: {http.StatusBadGateway, "That could not be verified", notSound},
}

// failureOf is the code of an error that ended a sign-in.
func failureOf(err error) Code {
	switch {
	case errors.Is(err, errUsed):
		return FailStateUsed
	case errors.Is(err, errInvite):
		return FailInvite
	case errors.Is(err, errAddressTaken):
		return FailEmailTaken
	case errors.Is(err, errLink):
		return FailLink
	}
	if code := CodeOf(err); code != "" {
		return code
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return FailProviderTimeout
	}
	return FailProviderFailed
}

// failedSignIn answers a sign-in by a provider that failed, with a way back to the
// page that it began on, and logs why.
func (a *Auth) failedSignIn(w http.ResponseWriter, r *http.Request, provider string, f flow, err error) {
	code := failureOf(err)
	shown, ok := problems[code]
	switch {
	case code == CodeUnavailable:
		a.unavailable(w, r, err)
		return
	case errors.Is(err, ErrLastOwner):
		shown = problem{http.StatusConflict, "That did not work", "The provider gives you another role, and this server would have no owner left."}
	case !ok: // a code that no sign-in ends with
		code, shown = FailProviderFailed, problems[FailProviderFailed]
	}
	if isAttempt(code) {
		a.failures.add(failure{provider: provider, addr: addrOf(r)})
	}
	a.log.WarnContext(r.Context(), "sign-in failed", "provider", provider, "code", string(code), "error", err)
	if shown.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	m := messagePage{Code: string(code), Title: shown.title, Text: shown.text, Link: f.retry(), Label: "Back to sign-in"}
	if f.adds {
		m.Link, m.Label = "/auth/sessions", "Your sessions"
	}
	a.message(w, r, shown.status, m)
}

// isAttempt reports whether a failure is for the audit log: somebody tried to be
// somebody, and neither the provider was at fault nor did they think better of it. What
// anybody can ask for without a sign-in under way is none.
func isAttempt(code Code) bool {
	return code != FailStateInvalid && code != FailStateExpired && code != FailAnswer && !strings.HasPrefix(string(code), "PROVIDER_")
}

// retry is the sign-in page, which does not go on by itself this time.
func (f flow) retry() string {
	v := f.values()
	v.Set("choose", "1")
	return "/auth/login?" + v.Encode()
}
