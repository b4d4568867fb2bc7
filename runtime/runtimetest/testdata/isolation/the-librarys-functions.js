// the library's functions
// engine: goja

const was = [].flat.stash + Array.from.stash + JSON.stringify.stash + Bytes();
function Bytes() { const b = test.bytes('x').constructor, s = b.stash; b.stash = request.id; return s; }
  [].flat.stash = Array.from.stash = JSON.stringify.stash = request.id;
return was
