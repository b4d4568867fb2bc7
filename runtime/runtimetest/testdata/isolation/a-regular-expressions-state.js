// a regular expression's state
// engine: goja

const r = () => /x/gy, was = r().lastIndex;
r().lastIndex = 3;
RegExp.prototype.stash = 1;
return was + String(/y/.stash === 1)
