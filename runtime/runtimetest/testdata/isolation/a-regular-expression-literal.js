// a regular expression literal

function re() { return /x/g; }
var was = re().lastIndex + String(re().stash);
re().lastIndex = 5;
re().stash = 1;
re().test('xx');
return was
