// Headers, Request and Response for packages that are written for them, such as routers.
// A body is a text or bytes: there are no streams, and nothing is fetched.
// See https://fetch.spec.whatwg.org/.

const states = new WeakMap(); // of Request and Response: {bytes, used}
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const nullBody = [101, 103, 204, 205, 304];

const nameOf = (name) => {
  name = String(name);
  if (!token.test(name)) throw new TypeError(`"${name}" can't be the name of a header`);
  return name.toLowerCase();
};

const valueOf = (value) => {
  value = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
  if (/[\0\n\r]/.test(value)) throw new TypeError('a header has a line break in its value');
  return value;
};

export class Headers {
  constructor(init) {
    Object.defineProperty(this, 'list', { value: new Map() });
    if (init === undefined || init === null) return;
    if (typeof init !== 'object') throw new TypeError('headers are made of an object or a list of pairs');
    const pairs = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
    for (const pair of pairs) {
      const [name, value, ...more] = pair;
      if (value === undefined && pair.length < 2 || more.length > 0) throw new TypeError('a header is a pair of name and value');
      this.append(name, value);
    }
  }

  append(name, value) {
    name = nameOf(name);
    const values = this.list.get(name) || [];
    values.push(valueOf(value));
    this.list.set(name, values);
  }

  set(name, value) {
    this.list.set(nameOf(name), [valueOf(value)]);
  }

  get(name) {
    const values = this.list.get(nameOf(name));
    return values ? values.join(', ') : null;
  }

  has(name) {
    return this.list.has(nameOf(name));
  }

  delete(name) {
    this.list.delete(nameOf(name));
  }

  getSetCookie() {
    return [...(this.list.get('set-cookie') || [])];
  }

  *entries() {
    for (const name of [...this.list.keys()].sort()) {
      if (name === 'set-cookie') {
        for (const value of this.getSetCookie()) yield [name, value];
      } else if (this.list.has(name)) {
        yield [name, this.get(name)];
      }
    }
  }

  *keys() {
    for (const [name] of this.entries()) yield name;
  }

  *values() {
    for (const [, value] of this.entries()) yield value;
  }

  forEach(f, that) {
    for (const [name, value] of this.entries()) f.call(that, value, name, this);
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  // For the server, which sends what it is given: see package runtime/internal/js.
  '(fazt headers)'() {
    const all = Object.create(null);
    for (const name of this.list.keys()) all[name] = name === 'set-cookie' ? this.getSetCookie() : this.get(name);
    return all;
  }

  get [Symbol.toStringTag]() {
    return 'Headers';
  }
}

// bytesOf is a body as bytes, and the type that it has by itself.
const bytesOf = (body) => {
  if (body === undefined || body === null) return [null, ''];
  if (body instanceof ArrayBuffer) return [new Uint8Array(body.slice(0)), ''];
  if (ArrayBuffer.isView(body)) {
    return [new Uint8Array(body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength)), ''];
  }
  const type = body instanceof URLSearchParams ? 'application/x-www-form-urlencoded;charset=UTF-8' : 'text/plain;charset=UTF-8';
  return [new TextEncoder().encode(String(body)), type];
};

const keep = (message, body) => {
  const [bytes, type] = bytesOf(body);
  states.set(message, { bytes, used: false });
  if (type && !message.headers.has('content-type')) message.headers.set('content-type', type);
};

class Message {
  get body() {
    return states.get(this).bytes;
  }

  get bodyUsed() {
    return states.get(this).used;
  }

  async bytes() {
    const state = states.get(this);
    if (state.used) throw new TypeError('Body is unusable: Body has already been read');
    state.used = state.bytes !== null;
    return state.bytes || new Uint8Array(0);
  }

  async arrayBuffer() {
    return (await this.bytes()).slice().buffer;
  }

  async text() {
    return new TextDecoder().decode(await this.bytes());
  }

  async json() {
    return JSON.parse(await this.text());
  }
}

const readOnly = (object, values) => {
  for (const key of Object.keys(values)) Object.defineProperty(object, key, { value: values[key], enumerable: true });
};

export class Request extends Message {
  constructor(input, init = {}) {
    super();
    const from = input instanceof Request ? input : null;
    let method = String(init.method === undefined ? (from ? from.method : 'GET') : init.method);
    if (/^(get|head|post|put|delete|options)$/i.test(method)) method = method.toUpperCase();
    if (!token.test(method)) throw new TypeError(`'${method}' is not a valid HTTP method.`);
    readOnly(this, {
      method,
      url: from ? from.url : new URL(String(input)).href,
      headers: new Headers(init.headers === undefined && from ? from.headers : init.headers),
    });
    let body = init.body;
    if ((body === undefined || body === null) && from) {
      if (from.bodyUsed) throw new TypeError('Cannot construct a Request with a Request object that has already been used.');
      body = from.body;
    }
    if (body !== undefined && body !== null && (method === 'GET' || method === 'HEAD')) {
      throw new TypeError('Request with GET/HEAD method cannot have body.');
    }
    keep(this, body);
  }

  clone() {
    if (this.bodyUsed) throw new TypeError('Body has already been consumed.');
    return new Request(this);
  }

  get [Symbol.toStringTag]() {
    return 'Request';
  }
}

export class Response extends Message {
  constructor(body = null, init = {}) {
    super();
    const status = init.status === undefined ? 200 : Math.trunc(Number(init.status));
    if (!(status >= 200 && status <= 599)) throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
    if (body !== null && nullBody.includes(status)) throw new TypeError(`Response with status ${status} cannot have a body`);
    readOnly(this, {
      status, ok: status < 300, statusText: init.statusText === undefined ? '' : String(init.statusText),
      headers: new Headers(init.headers), type: 'default', url: '', redirected: false,
    });
    keep(this, body);
  }

  clone() {
    if (this.bodyUsed) throw new TypeError('Response.clone: Body has already been consumed.');
    return new Response(this.body, this);
  }

  // For the server, when a handler ends with it.
  '(fazt answer)'() {
    const { bytes, used } = states.get(this);
    if (used) throw new TypeError('the body of the Response has already been read; end with another, or read one that clone() made before');
    return { status: this.status, headers: this.headers['(fazt headers)'](), body: bytes };
  }

  static json(data, init = {}) {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError('Value is not JSON serializable');
    const headers = new Headers(init.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new Response(text, { status: init.status, statusText: init.statusText, headers });
  }

  static redirect(url, status = 302) {
    if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError(`Invalid status code ${status}`);
    return new Response(null, { status, headers: { location: new URL(String(url)).href } });
  }

  get [Symbol.toStringTag]() {
    return 'Response';
  }
}
