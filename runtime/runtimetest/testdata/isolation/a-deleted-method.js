// a deleted method

var was = typeof [].map; delete Array.prototype.map; return was
