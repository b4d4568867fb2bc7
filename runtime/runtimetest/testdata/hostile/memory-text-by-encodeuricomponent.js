// memory: text by encodeURIComponent

var s = '%'; while (true) s = encodeURIComponent(s)
