package storage

import (
	"encoding/json"
	"time"
)

// ManagementURL is the setting that has where the management of the server on the data
// answered last, such as "https://admin.example.com": a program that works on the
// data alone knows by it where the apps are. It has no slash at its end.
const ManagementURL = "management url"

// Setting reads what the store keeps of itself under a name into a value, in a
// transaction. It reports whether there is something.
func Setting(tx SQL, name string, into any) (ok bool, err error) {
	err = tx.Query("SELECT value FROM config WHERE name = ?", []any{name}, func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		ok = true
		return json.Unmarshal([]byte(text), into)
	})
	return ok, err
}

// SetSetting keeps a value under a name, in place of what was there, in a transaction.
func SetSetting(tx SQL, name string, value any) error {
	text, err := json.Marshal(value)
	if err == nil {
		_, err = tx.Exec("DELETE FROM config WHERE name = ?", name)
	}
	if err == nil {
		_, err = tx.Exec("INSERT INTO config (name, value, updated_at) VALUES (?, ?, ?)", name, string(text), time.Now().UnixMilli())
	}
	return err
}
