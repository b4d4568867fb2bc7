package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

const (
	// metadataAge is how long an issuer's metadata and keys are believed: a key that
	// was withdrawn is not good for longer.
	metadataAge = time.Hour
	// clockSkew is how much another machine's clock may differ.
	clockSkew = 5 * time.Minute
	// maxTokenAge is how long ago an id_token may have been made that has only just
	// been asked for, by a clock that is wrong.
	maxTokenAge = time.Hour
)

// algorithms are those that an id_token may be signed by: signatures by a key pair
// alone. HMAC would make a secret of what both sides have, and none is none.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// openID is an OpenID Connect issuer, found by discovery when somebody first signs
// in by it.
type openID struct {
	*remote
	label, issuer, clientID, clientSecret string

	metadata *cached[*metadata]
	keys     *cached[[]jose.JSONWebKey]
}

func newOpenID(name, label, issuer, clientID, clientSecret string) *openID {
	p := &openID{remote: newRemote(name), label: label, issuer: issuer, clientID: clientID, clientSecret: clientSecret}
	p.metadata = newCached(p.discover)
	p.keys = newCached(p.fetchKeys)
	return p
}

func (p *openID) Name() string  { return p.name }
func (p *openID) Label() string { return p.label }

// metadata is what is used of an issuer's discovery document.
type metadata struct {
	oidc.ProviderConfig
	AuthMethods    []string `json:"token_endpoint_auth_methods_supported"`
	ResponseIssuer bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207

	algorithms []jose.SignatureAlgorithm // that both sides take
}

// tenant stands in the issuer of Microsoft's shared metadata for the tenant of
// whoever signs in, which the id_token has as tid.
const tenant = "{tenantid}"

var (
	sharedTenant = regexp.MustCompile(`/(common|organizations|consumers)(/|$)`)
	tenantID     = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
)

func (m *metadata) shared() bool { return strings.Contains(m.IssuerURL, tenant) }

// discover reads the issuer's metadata (OpenID Connect Discovery 1.0).
func (p *openID) discover(ctx context.Context) (*metadata, error) {
	m := &metadata{}
	base := strings.TrimSuffix(p.issuer, "/")
	if err := p.getJSON(ctx, base+"/.well-known/openid-configuration", "", m, FailProviderMetadata); err != nil {
		return nil, err
	}
	named := m.IssuerURL
	if m.shared() {
		named = strings.Replace(named, tenant, sharedName(p.issuer), 1)
	}
	if strings.TrimSuffix(named, "/") != base {
		return nil, p.fail(FailProviderMetadata, "the metadata are of another issuer, %.100q", m.IssuerURL)
	}
	for what, address := range map[string]string{
		"authorization endpoint": m.AuthURL, "token endpoint": m.TokenURL, "key set": m.JWKSURL, "user info endpoint": m.UserInfoURL,
	} {
		if address == "" && address == m.UserInfoURL {
			continue
		}
		if err := checkAddress(what, address); err != nil {
			return nil, p.fail(FailProviderMetadata, "%w", err)
		}
	}
	for _, alg := range algorithms {
		if len(m.Algorithms) == 0 || slices.Contains(m.Algorithms, string(alg)) {
			m.algorithms = append(m.algorithms, alg)
		}
	}
	if len(m.algorithms) == 0 {
		return nil, p.fail(FailProviderMetadata, "no algorithm of the issuer's signatures can be verified")
	}
	return m, nil
}

// sharedName is the name that an issuer of several tenants has instead of a tenant.
func sharedName(issuer string) string {
	if found := sharedTenant.FindStringSubmatch(issuer); found != nil {
		return found[1]
	}
	return tenant
}

// config is the client as the issuer knows it.
func (p *openID) config(m *metadata, x Exchange) *oauth2.Config {
	style := oauth2.AuthStyleInHeader // the default of Discovery 1.0
	if p.clientSecret == "" || len(m.AuthMethods) > 0 && !slices.Contains(m.AuthMethods, "client_secret_basic") {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: p.clientID, ClientSecret: p.clientSecret, RedirectURL: x.RedirectURL,
		Scopes:   []string{oidc.ScopeOpenID, "email", "profile"},
		Endpoint: oauth2.Endpoint{AuthURL: m.AuthURL, TokenURL: m.TokenURL, AuthStyle: style},
	}
}

func (p *openID) AuthURL(ctx context.Context, x Exchange) (string, error) {
	m, err := p.metadata.get(ctx, metadataAge)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(x.Nonce), oauth2.S256ChallengeOption(x.Verifier)}
	if x.Ask {
		options = append(options, oauth2.SetAuthURLParam("prompt", "select_account"))
	}
	return p.config(m, x).AuthCodeURL(x.State, options...), nil
}

func (p *openID) Identify(ctx context.Context, x Exchange, answer url.Values) (Identity, error) {
	m, err := p.metadata.get(ctx, metadataAge)
	if err != nil {
		return Identity{}, err
	}
	// Before the code is sent, which another issuer may have sent here to get it.
	issuer, said := answer.Get("iss"), answer.Has("iss")
	if !said && m.ResponseIssuer || said && !m.shared() && issuer != m.IssuerURL {
		return Identity{}, p.fail(FailResponseIssuer, "the browser comes from the issuer %.100q", issuer)
	}
	tokens, err := p.redeem(ctx, p.config(m, x), x, answer.Get("code"))
	if err != nil {
		return Identity{}, err
	}
	token, c, err := p.verify(ctx, m, x, tokens)
	if err != nil {
		return Identity{}, err
	}
	if said && issuer != token.Issuer {
		return Identity{}, p.fail(FailResponseIssuer, "the browser comes from the issuer %.100q", issuer)
	}
	if c.Email == "" && m.UserInfoURL != "" {
		if err := p.askUserInfo(ctx, m, tokens, token.Subject, c); err != nil {
			return Identity{}, err
		}
	}
	return p.identity(m, token, c), nil
}

// claims are what an id_token and the user info say of a person.
type claims struct {
	Party         string `json:"azp"`
	Tenant        string `json:"tid"`
	Email         string `json:"email"`
	EmailVerified truth  `json:"email_verified"`
	// Microsoft says of no address that it is verified, and lets a tenant's admin
	// write any; but of one in a domain that the tenant has proven, if asked to.
	DomainVerified truth  `json:"xms_edov"`
	Name           string `json:"name"`
	Username       string `json:"preferred_username"`
	Picture        string `json:"picture"`
}

func (p *openID) identity(m *metadata, token *oidc.IDToken, c *claims) Identity {
	id := Identity{
		Issuer: token.Issuer, Subject: token.Subject, Email: c.Email, EmailVerified: bool(c.EmailVerified), Name: c.Name, Picture: c.Picture,
	}
	if p.name == "microsoft" && c.DomainVerified {
		id.EmailVerified = true
	}
	if !m.shared() {
		id.Issuer = m.IssuerURL // Google's tokens have it without https:// now and then
	}
	if id.Name == "" {
		id.Name = c.Username
	}
	return id
}

// truth is a boolean that some issuers write as a string or a number.
type truth bool

// UnmarshalJSON takes anything else for false: what is not said is not believed.
func (t *truth) UnmarshalJSON(b []byte) error {
	*t = truth(slices.Contains([]string{`true`, `"true"`, `1`, `"1"`}, string(b)))
	return nil
}

// verify returns the id_token among tokens, if it is the issuer's, for this client,
// and of this very exchange.
func (p *openID) verify(ctx context.Context, m *metadata, x Exchange, tokens *oauth2.Token) (*oidc.IDToken, *claims, error) {
	raw, ok := tokens.Extra("id_token").(string)
	if !ok || raw == "" {
		return nil, nil, p.fail(FailTokenMissing, "the tokens are without an id_token")
	}
	keys := &keySet{p: p, algorithms: m.algorithms}
	var names []string
	for _, alg := range m.algorithms {
		names = append(names, string(alg))
	}
	token, err := oidc.NewVerifier(m.IssuerURL, keys, &oidc.Config{
		ClientID: p.clientID, SupportedSigningAlgs: names, SkipIssuerCheck: m.shared(),
	}).Verify(ctx, raw)
	if err != nil {
		return nil, nil, p.explain(err, keys, m, raw)
	}
	c := &claims{}
	if err := token.Claims(c); err != nil {
		return nil, nil, p.fail(FailTokenMalformed, "%w", err)
	}
	return token, c, p.check(m, x, tokens, token, c)
}

// check is what [oidc.IDTokenVerifier] leaves to its caller (OpenID Connect Core,
// 3.1.3.7).
func (p *openID) check(m *metadata, x Exchange, tokens *oauth2.Token, token *oidc.IDToken, c *claims) error {
	now := time.Now()
	switch {
	case m.shared() && (!tenantID.MatchString(c.Tenant) || token.Issuer != strings.Replace(m.IssuerURL, tenant, c.Tenant, 1)):
		return p.fail(FailTokenIssuer, "the id_token is of the issuer %.100q", token.Issuer)
	case token.Nonce != x.Nonce:
		return p.fail(FailTokenNonce, "the id_token has another nonce")
	case c.Party != "" && c.Party != p.clientID, c.Party == "" && len(token.Audience) > 1:
		return p.fail(FailTokenParty, "the id_token was given to the client %.100q", c.Party)
	case token.IssuedAt.After(now.Add(clockSkew)), token.IssuedAt.Before(now.Add(-maxTokenAge)):
		return p.fail(FailTokenTime, "the id_token was made at %v, and it is %v", token.IssuedAt.UTC(), now.UTC())
	case token.Subject == "":
		return p.fail(FailTokenSubject, "the id_token has no subject")
	case token.AccessTokenHash != "" && token.VerifyAccessToken(tokens.AccessToken) != nil:
		return p.fail(FailTokenHash, "the id_token came with another access token")
	}
	return nil
}

// explain finds the code for what [oidc.IDTokenVerifier.Verify] has refused. It
// decides nothing.
func (p *openID) explain(err error, keys *keySet, m *metadata, raw string) error {
	if keys.err != nil {
		return keys.err
	}
	code := FailTokenMalformed
	if keys.payload == nil { // not even parsed
		if _, parseErr := jose.ParseSignedCompact(raw, m.algorithms); isAlgorithm(parseErr) {
			code = FailTokenAlgorithm
		}
		return p.fail(code, "%w", err)
	}
	var said struct {
		Issuer string `json:"iss"`
	}
	_, expired := errors.AsType[*oidc.TokenExpiredError](err)
	switch {
	case json.Unmarshal(keys.payload, &said) != nil:
	case !m.shared() && said.Issuer != m.IssuerURL:
		code = FailTokenIssuer
	case expired:
		code = FailTokenExpired
	case strings.Contains(err.Error(), "audience"):
		code = FailTokenAudience
	case strings.Contains(err.Error(), "nbf"):
		code = FailTokenTime
	}
	return p.fail(code, "%w", err)
}

func isAlgorithm(err error) bool {
	_, ok := errors.AsType[*jose.ErrUnexpectedSignatureAlgorithm](err)
	return ok
}

// askUserInfo completes c where the id_token has no e-mail address.
func (p *openID) askUserInfo(ctx context.Context, m *metadata, tokens *oauth2.Token, subject string, c *claims) error {
	var said struct {
		claims
		Subject string `json:"sub"`
	}
	if err := p.getJSON(ctx, m.UserInfoURL, tokens.AccessToken, &said, FailProviderAnswer); err != nil {
		return err
	}
	if said.Subject != subject { // OpenID Connect Core, 5.3.2
		return p.fail(FailUserInfoSubject, "the user info are of another subject")
	}
	c.Email, c.EmailVerified, c.DomainVerified = said.Email, said.EmailVerified, said.DomainVerified
	if c.Name == "" {
		c.Name, c.Username = said.Name, said.Username
	}
	if c.Picture == "" {
		c.Picture = said.Picture
	}
	return nil
}
