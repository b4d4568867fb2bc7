package site

import (
	"path"
	"strings"
)

// mimeTypes is fixed, so that an app is served alike on every machine; the
// operating system's own table differs from one to the next.
var mimeTypes = map[string]string{
	".3gp":         "video/3gpp",
	".3mf":         "model/3mf",
	".7z":          "application/x-7z-compressed",
	".aac":         "audio/aac",
	".apk":         "application/vnd.android.package-archive",
	".apng":        "image/apng",
	".appcache":    "text/cache-manifest; charset=utf-8",
	".asc":         "text/plain; charset=utf-8",
	".atom":        "application/atom+xml",
	".avif":        "image/avif",
	".bmp":         "image/bmp",
	".br":          "application/x-brotli",
	".bz2":         "application/x-bzip2",
	".cjs":         "text/javascript; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".csv":         "text/csv; charset=utf-8",
	".cur":         "image/x-icon",
	".dae":         "model/vnd.collada+xml",
	".dng":         "image/x-adobe-dng",
	".doc":         "application/msword",
	".docx":        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".eot":         "application/vnd.ms-fontobject",
	".epub":        "application/epub+zip",
	".flac":        "audio/flac",
	".frag":        "text/plain; charset=utf-8",
	".geojson":     "application/geo+json",
	".gif":         "image/gif",
	".glb":         "model/gltf-binary",
	".glsl":        "text/plain; charset=utf-8",
	".gltf":        "model/gltf+json",
	".gpx":         "application/gpx+xml",
	".gz":          "application/gzip",
	".heic":        "image/heic",
	".heif":        "image/heif",
	".htm":         "text/html; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".ics":         "text/calendar; charset=utf-8",
	".jpeg":        "image/jpeg",
	".jpg":         "image/jpeg",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".json5":       "application/json5",
	".jsonl":       "application/jsonl",
	".jsonld":      "application/ld+json",
	".jxl":         "image/jxl",
	".kml":         "application/vnd.google-earth.kml+xml",
	".kmz":         "application/vnd.google-earth.kmz",
	".ktx2":        "image/ktx2",
	".log":         "text/plain; charset=utf-8",
	".m3u8":        "application/vnd.apple.mpegurl",
	".m4a":         "audio/mp4",
	".m4s":         "video/iso.segment",
	".m4v":         "video/mp4",
	".map":         "application/json",
	".markdown":    "text/markdown; charset=utf-8",
	".md":          "text/markdown; charset=utf-8",
	".mid":         "audio/midi",
	".midi":        "audio/midi",
	".mjs":         "text/javascript; charset=utf-8",
	".mov":         "video/quicktime",
	".mp3":         "audio/mpeg",
	".mp4":         "video/mp4",
	".mpd":         "application/dash+xml",
	".mtl":         "model/mtl",
	".mvt":         "application/vnd.mapbox-vector-tile",
	".ndjson":      "application/x-ndjson",
	".obj":         "model/obj",
	".odp":         "application/vnd.oasis.opendocument.presentation",
	".ods":         "application/vnd.oasis.opendocument.spreadsheet",
	".odt":         "application/vnd.oasis.opendocument.text",
	".oga":         "audio/ogg",
	".ogg":         "audio/ogg",
	".ogv":         "video/ogg",
	".opml":        "text/x-opml; charset=utf-8",
	".opus":        "audio/ogg",
	".otf":         "font/otf",
	".parquet":     "application/vnd.apache.parquet",
	".pbf":         "application/x-protobuf",
	".pdf":         "application/pdf",
	".ply":         "model/ply",
	".pmtiles":     "application/vnd.pmtiles",
	".png":         "image/png",
	".ppt":         "application/vnd.ms-powerpoint",
	".pptx":        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".rss":         "application/rss+xml",
	".rtf":         "application/rtf",
	".srt":         "application/x-subrip",
	".stl":         "model/stl",
	".svg":         "image/svg+xml",
	".tar":         "application/x-tar",
	".tgz":         "application/gzip",
	".tif":         "image/tiff",
	".tiff":        "image/tiff",
	".toml":        "application/toml",
	".topojson":    "application/json",
	".ttc":         "font/collection",
	".ts":          "video/mp2t",
	".ttf":         "font/ttf",
	".txt":         "text/plain; charset=utf-8",
	".usdz":        "model/vnd.usdz+zip",
	".vcf":         "text/vcard; charset=utf-8",
	".vert":        "text/plain; charset=utf-8",
	".vtt":         "text/vtt; charset=utf-8",
	".wasm":        "application/wasm",
	".wav":         "audio/wav",
	".weba":        "audio/webm",
	".webm":        "video/webm",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".wgsl":        "text/wgsl; charset=utf-8",
	".woff":        "font/woff",
	".woff2":       "font/woff2",
	".xhtml":       "application/xhtml+xml",
	".xls":         "application/vnd.ms-excel",
	".xlsx":        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".xml":         "application/xml",
	".xsl":         "application/xslt+xml",
	".xslt":        "application/xslt+xml",
	".yaml":        "application/yaml",
	".yml":         "application/yaml",
	".zip":         "application/zip",
	".zst":         "application/zstd",
}

// wellKnownTypes are the types of names that have no extension, and that others look
// for.
var wellKnownTypes = map[string]string{
	"apple-app-site-association": "application/json",
}

const defaultType = "application/octet-stream"

// MIMEType returns the type of a file by its name's extension, from a table that
// is the same on every machine. Default: application/octet-stream.
func MIMEType(name string) string {
	if t, ok := mimeTypes[strings.ToLower(path.Ext(name))]; ok {
		return t
	}
	if t, ok := wellKnownTypes[path.Base(name)]; ok {
		return t
	}
	return defaultType
}

// Precompressed returns the content coding of a file that a build has compressed for
// browsers, which ask for it under that name (as Unity's do: game.wasm.br), and the name
// without it. coding is "" for any other file. Only what a page loads counts for one:
// a .csv.gz or .tar.gz is wanted as the archive that it is.
func Precompressed(name string) (inner, coding string) {
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, ".br"):
		coding = "br"
	case strings.HasSuffix(lower, ".gz"):
		coding = "gzip"
	default:
		return name, ""
	}
	inner = name[:len(name)-3]
	switch ext := path.Ext(lower[:len(inner)]); ext {
	case ".js", ".mjs", ".cjs", ".css", ".html", ".wasm", ".data", ".svg":
		return inner, coding
	case ".json":
		if coding == "br" || strings.HasSuffix(lower, ".symbols.json.gz") {
			return inner, coding
		}
	}
	return name, ""
}
