// memory: text by btoa

var s = 'xxx'; while (true) s = btoa(s)
