// recursion through toJSON

var o = {toJSON: function () { return JSON.stringify(o); }}; JSON.stringify(o)
