// crypto.subtle, and CryptoKey.
'use strict';

const go = module;

let rawOf;

class CryptoKey {
  #raw; #algorithm; #extractable; #usages;
  static { rawOf = key => { if (!(#raw in key)) throw new TypeError('this is not a CryptoKey'); return key.#raw; }; }
  constructor(secret, raw, algorithm, extractable, usages) {
    if (secret !== go) throw new TypeError('a CryptoKey comes from crypto.subtle');
    this.#raw = raw;
    this.#algorithm = algorithm;
    this.#extractable = extractable;
    this.#usages = usages;
  }
  get type() { return 'secret'; }
  get algorithm() { return this.#algorithm; }
  get extractable() { return this.#extractable; }
  get usages() { return this.#usages; }
}
go.define(CryptoKey.prototype, go.tag, 'CryptoKey');
exports.CryptoKey = function () { return CryptoKey; };

function nameOf(algorithm) {
  return go.text(algorithm !== null && typeof algorithm === 'object' ? algorithm.name : algorithm);
}

function hmacOnly(algorithm) {
  if (go.upper(nameOf(algorithm)) !== 'HMAC') go.fail('NotSupportedError', 'crypto.subtle has digest, and keys for HMAC');
}

// hmacKey is the key for an algorithm {name: 'HMAC', hash}. generateKey and importKey
// give what makes its bytes.
function hmacKey(algorithm, extractable, usages, bytes) {
  hmacOnly(algorithm);
  const hash = go.hashName(nameOf(algorithm.hash)), list = [];
  for (const u of go.copy(usages)) {
    if (u !== 'sign' && u !== 'verify') go.fail('SyntaxError', 'a key for HMAC is used to sign and verify');
    if (!go.has(list, u)) go.push(list, u);
  }
  if (list.length === 0) go.fail('SyntaxError', 'a key that is used for nothing is no use');
  const raw = bytes(hash);
  if (raw.length === 0) go.fail('DataError', 'the key is empty');
  return new CryptoKey(go, raw, {name: 'HMAC', hash: {name: hash}, length: raw.length * 8}, !!extractable, list);
}

function usable(algorithm, key, usage) {
  hmacOnly(algorithm);
  const raw = rawOf(key);
  if (!go.has(key.usages, usage)) go.fail('InvalidAccessError', 'the key isn\'t for this: its usages lack ' + usage);
  return go.hmacOf(key.algorithm.hash.name, raw);
}

class SubtleCrypto {
  async digest(algorithm, data) { return go.digest(go.hashName(nameOf(algorithm)), data); }
  async importKey(format, data, algorithm, extractable, usages) {
    return hmacKey(algorithm, extractable, usages, () => {
      switch (format) {
      case 'raw': return go.bytes(data);
      case 'jwk':
        if (data === null || typeof data !== 'object' || data.kty !== 'oct') go.fail('DataError', 'the key has to be one with the kty oct');
        return go.fromBase64url(go.text(data.k));
      }
      go.fail('NotSupportedError', 'a key for HMAC comes as raw or jwk');
    });
  }
  async generateKey(algorithm, extractable, usages) {
    return hmacKey(algorithm, extractable, usages, hash => go.randomKey(hash, algorithm.length));
  }
  async exportKey(format, key) {
    const raw = rawOf(key);
    if (!key.extractable) go.fail('InvalidAccessError', 'the key isn\'t extractable');
    switch (format) {
    case 'raw': return go.bytes(raw).buffer;
    case 'jwk': return {key_ops: key.usages, ext: true, kty: 'oct', k: go.base64url(raw), alg: 'HS' + go.text(key.algorithm.hash.name).slice(4)};
    }
    go.fail('NotSupportedError', 'a key for HMAC goes as raw or jwk');
  }
  async sign(algorithm, key, data) { return usable(algorithm, key, 'sign')(data).buffer; }
  async verify(algorithm, key, signature, data) { return go.timingSafeEqual(usable(algorithm, key, 'verify')(data), go.bytes(signature), true); }
}
go.define(SubtleCrypto.prototype, go.tag, 'SubtleCrypto');
exports.subtle = function () { return new SubtleCrypto(); };
