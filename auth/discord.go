package auth

import (
	"context"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/fazt-sh/fazt/api"
)

const discordSite = "https://discord.com"

// discord signs in by Discord, which speaks OAuth 2 and has no id_token.
type discord struct {
	*remote
	site   string // the issuer of its identities
	config oauth2.Config
}

func newDiscord(name, site string, c api.ProviderConfig) Provider {
	site = strings.TrimSuffix(site, "/")
	return &discord{newRemote(name), site, oauth2.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, Scopes: []string{"identify", "email"},
		Endpoint: oauth2.Endpoint{AuthURL: site + "/oauth2/authorize", TokenURL: site + "/api/oauth2/token", AuthStyle: oauth2.AuthStyleInParams},
	}}
}

func (p *discord) Name() string  { return p.name }
func (p *discord) Label() string { return "Discord" }

func (p *discord) AuthURL(_ context.Context, x Exchange) (string, error) {
	prompt := "none" // who has agreed before passes without a word
	if x.Ask {
		prompt = "consent"
	}
	return at(p.config, x).AuthCodeURL(x.State, oauth2.S256ChallengeOption(x.Verifier), oauth2.SetAuthURLParam("prompt", prompt)), nil
}

func (p *discord) Identify(ctx context.Context, x Exchange, answer url.Values) (Identity, error) {
	tokens, err := p.redeem(ctx, at(p.config, x), x, answer.Get("code"))
	if err != nil {
		return Identity{}, err
	}
	var user struct {
		ID         string `json:"id"`
		Username   string `json:"username"`
		GlobalName string `json:"global_name"`
		Avatar     string `json:"avatar"`
		Email      string `json:"email"`
		Verified   truth  `json:"verified"`
	}
	if err := p.getJSON(ctx, p.site+"/api/users/@me", tokens.AccessToken, &user, FailProviderAnswer); err != nil {
		return Identity{}, err
	}
	if user.ID == "" {
		return Identity{}, p.fail(FailProviderAnswer, "the user has no id")
	}
	id := Identity{Issuer: p.site, Subject: user.ID, Email: user.Email, EmailVerified: bool(user.Verified), Name: user.GlobalName}
	if id.Name == "" {
		id.Name = user.Username
	}
	if user.Avatar != "" {
		id.Picture = "https://cdn.discordapp.com/avatars/" + url.PathEscape(user.ID) + "/" + url.PathEscape(user.Avatar) + ".png"
	}
	return id, nil
}
