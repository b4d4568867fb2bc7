// recursion through a getter

var o = {get x() { return this.x; }}; o.x
