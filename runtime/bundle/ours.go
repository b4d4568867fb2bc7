package bundle

import (
	_ "embed"
	"strings"
)

// cryptoModule is the path of what import ... from 'crypto' means.
const cryptoModule = "(crypto).js"

// webModule is the path of what stands for Headers, Request and Response.
const webModule = "(web).js"

//go:embed web/fetch.js
var webSource string

// webNames are the globals that a program gets which uses them.
var webNames = []string{"Headers", "Request", "Response"}

// ours are modules that this package brings.
var ours = map[string]string{
	emptyModule: "module.exports = {};",
	webModule:   webSource,
	cryptoModule: `const c = globalThis.crypto;
export const randomUUID = () => c.randomUUID();
export const getRandomValues = (array) => c.getRandomValues(array);
export const timingSafeEqual = (a, b) => c.timingSafeEqual(a, b);
export const webcrypto = c;
export const subtle = c.subtle;
export default { randomUUID, getRandomValues, timingSafeEqual, webcrypto, subtle };
`,
}

// packagesEntry is the path of a module that has all packages of a handler that isn't a
// module.
const packagesEntry = "api/(packages).js"

// isOurs tells a module that is no file of the app.
func isOurs(name string) bool {
	return strings.Contains(name, "(") && (ours[name] != "" || name == packagesEntry)
}
