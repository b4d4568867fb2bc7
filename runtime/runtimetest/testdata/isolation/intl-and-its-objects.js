// Intl and its objects

var places = [Intl, Intl.NumberFormat, Intl.NumberFormat.prototype, Intl.DateTimeFormat.supportedLocalesOf, new Intl.NumberFormat('en').format, (5).toLocaleString], was = [];
for (var i = 0; i < places.length; i++) was.push(typeof places[i].stash);
for (i = 0; i < places.length; i++) { try { places[i].stash = request.id; } catch (e) {} }
try { Intl.NumberFormat.prototype.formatToParts = function () { return request.id; }; } catch (e) {}
try { Object.defineProperty(Intl.NumberFormat.prototype, 'format', {get: function () { return function () { return request.id; }; }}); } catch (e) {}
return [was, new Intl.NumberFormat('de').format(1.5).length, JSON.stringify(new Intl.NumberFormat('en').formatToParts(1)).length > 40];
