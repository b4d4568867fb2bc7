// memory: text by JSON

var s = '"'; while (true) s = JSON.stringify(s)
