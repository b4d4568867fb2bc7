// recursion through toString

var o = {toString: function () { return '' + o; }}; '' + o
