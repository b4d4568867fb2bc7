// bytes as a text of more characters than a run may have
// engine: goja

const b = new Uint8Array(4e7), l = [];
for (;;) try { l.push(b.toHex()); l.push(b.toBase64()); } catch (e) { if (l.length) throw e; }
