// a frozen global object

var g = (function () { return this; })();
g.stash1 = 1;
try { Object.freeze(g); } catch (e) {}
try { Object.preventExtensions(g); } catch (e) {}
try { Object.seal(g); } catch (e) {} stash2 = 1;
return typeof stash2
