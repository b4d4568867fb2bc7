package auth

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fazt-sh/fazt/api"
)

// preset is a provider that is known by its name.
type preset struct {
	label, issuer string
	// make is nil for an OpenID Connect issuer.
	make func(name, issuer string, c api.ProviderConfig) Provider
}

var presets = map[string]preset{
	"google":    {label: "Google", issuer: "https://accounts.google.com"},
	"github":    {label: "GitHub", issuer: gitHubSite, make: newGitHub},
	"discord":   {label: "Discord", issuer: discordSite, make: newDiscord},
	"microsoft": {label: "Microsoft", issuer: "https://login.microsoftonline.com/common/v2.0"},
}

// NewProvider makes a provider of that name: google, microsoft, github or discord, or
// any other OpenID Connect issuer, by its URL. An Issuer that is given to a name that
// is known stands for its own: one tenant's at Microsoft, a GitHub Enterprise Server.
// An e-mail address is used only where the provider says that it is verified, and
// Microsoft says so only with the optional claim xms_edov. Nothing is asked of it before
// somebody signs in, so one that is down keeps no program from starting.
// [api.ProviderConfig].Enabled has no meaning here.
func NewProvider(name string, c api.ProviderConfig) (Provider, error) {
	known := presets[name]
	issuer := c.Issuer
	if issuer == "" {
		issuer = known.issuer
	}
	if err := errors.Join(checkName(name), checkClient(name, issuer, c)); err != nil {
		return nil, &Error{Code: CodeInvalid, Op: "provider", Err: err}
	}
	if known.make != nil {
		return known.make(name, issuer, c), nil
	}
	return newOpenID(name, labelOf(name), issuer, c.ClientID, c.ClientSecret), nil
}

// labelOf is what stands on the button of the provider of that name.
func labelOf(name string) string {
	if known := presets[name]; known.label != "" {
		return known.label
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// checkClient returns what is wrong with a provider's configuration, or nil.
func checkClient(name, issuer string, c api.ProviderConfig) error {
	var errs []error
	if issuer == "" {
		errs = append(errs, fmt.Errorf("the provider %q is not one that is known by its name; give its issuer, such as https://accounts.example.com", name))
	} else {
		errs = append(errs, checkAddress("issuer", issuer))
		if strings.Contains(issuer, "?") {
			errs = append(errs, errors.New("the issuer has a query"))
		}
	}
	if !isText(c.ClientID, 1, maxIdentity) {
		errs = append(errs, errors.New("the client id is missing, too long or not text; the provider gives one when you register this server there"))
	}
	if !isText(c.ClientSecret, 0, 4096) {
		errs = append(errs, errors.New("the client secret is too long or not text"))
	}
	if _, known := presets[name]; known && c.ClientSecret == "" { // an issuer of one's own may have public clients
		errs = append(errs, errors.New("the client secret is missing; the provider gives one beside the client id"))
	}
	return errors.Join(errs...)
}
