package auth

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/oauth2"

	"github.com/fazt-sh/fazt/api"
)

const gitHubSite = "https://github.com"

// gitHub signs in by GitHub, or by a GitHub Enterprise Server of another address. It
// speaks OAuth 2 and has no id_token: who somebody is, is asked with their token.
type gitHub struct {
	*remote
	site   string // the issuer of its identities
	api    string
	config oauth2.Config
}

func newGitHub(name, site string, c api.ProviderConfig) Provider {
	site = strings.TrimSuffix(site, "/")
	p := &gitHub{remote: newRemote(name), site: site, api: site + "/api/v3"}
	if site == gitHubSite {
		p.api = "https://api.github.com"
	}
	p.config = oauth2.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, Scopes: []string{"read:user", "user:email"},
		Endpoint: oauth2.Endpoint{
			AuthURL: site + "/login/oauth/authorize", TokenURL: site + "/login/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams,
		},
	}
	return p
}

func (p *gitHub) Name() string  { return p.name }
func (p *gitHub) Label() string { return "GitHub" }

func (p *gitHub) AuthURL(_ context.Context, x Exchange) (string, error) {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(x.Verifier)}
	if x.Ask {
		options = append(options, oauth2.SetAuthURLParam("prompt", "select_account"))
	}
	return at(p.config, x).AuthCodeURL(x.State, options...), nil
}

// at is c for one exchange.
func at(c oauth2.Config, x Exchange) *oauth2.Config {
	c.RedirectURL = x.RedirectURL
	return &c
}

func (p *gitHub) Identify(ctx context.Context, x Exchange, answer url.Values) (Identity, error) {
	tokens, err := p.redeem(ctx, at(p.config, x), x, answer.Get("code"))
	if err != nil {
		return Identity{}, err
	}
	var user struct {
		ID      int64  `json:"id"` // a login can be given to somebody else
		Login   string `json:"login"`
		Name    string `json:"name"`
		Picture string `json:"avatar_url"`
	}
	if err := p.getJSON(ctx, p.api+"/user", tokens.AccessToken, &user, FailProviderAnswer); err != nil {
		return Identity{}, err
	}
	if user.ID <= 0 {
		return Identity{}, p.fail(FailProviderAnswer, "the user has no id")
	}
	// The address in the user's profile is one of their choice, verified or not.
	var addresses []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if err := p.getJSON(ctx, p.api+"/user/emails?per_page=100", tokens.AccessToken, &addresses, FailProviderAnswer); err != nil {
		return Identity{}, err
	}
	id := Identity{Issuer: p.site, Subject: strconv.FormatInt(user.ID, 10), Name: user.Name, Picture: user.Picture}
	if id.Name == "" {
		id.Name = user.Login
	}
	for _, a := range addresses {
		if a.Primary && a.Verified {
			id.Email, id.EmailVerified = a.Email, true
		}
	}
	return id, nil
}
