// an element of Array.prototype

var was = [][0] + [].length;
try { Array.prototype.push(request.id); } catch (e) {}
try { Array.prototype[0] = request.id; } catch (e) {}
return was
