// the time in Date.prototype

var t;
try { t = Date.prototype.getTime(); } catch (e) { t = 'none'; }
try { Date.prototype.setTime(+request.id.slice(1)); } catch (e) {}
return String(t)
