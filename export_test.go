package fazt

// What the external tests need of the inside.

func ParseManifest(text []byte) error {
	_, err := parseManifest(text)
	return err
}

var (
	CleanName      = cleanName
	CleanPath      = cleanPath
	HasContentHash = hasContentHash
	ChooseEncoding = chooseEncoding
)
