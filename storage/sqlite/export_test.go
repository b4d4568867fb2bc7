package sqlite

// What the external tests need of the inside.

// Migrations and Schema make a data file as an older fazt has left it.
const Migrations, ApplicationID = migrations, applicationID

var Schema = schema
