// lastIndex of RegExp.prototype

var was = RegExp.prototype.lastIndex;
try { RegExp.prototype.lastIndex = request.id; } catch (e) {}
try { RegExp.prototype.compile(request.id); } catch (e) {}
try { /x/.compile.call(RegExp.prototype, request.id); } catch (e) {}
return [was, RegExp.prototype.source].join()
