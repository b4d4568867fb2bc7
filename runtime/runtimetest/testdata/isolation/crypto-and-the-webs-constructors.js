// crypto and the web's constructors
// engine: goja

const all = [crypto, URL, URLSearchParams, TextEncoder, TextDecoder, URL.prototype],
  was = all.map(o => o.stash).join();
for (const o of all) o.stash = request.id;
return was
