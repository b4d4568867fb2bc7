// Loads this page anew when its app is deployed, and shows what went wrong with it.
// fazt adds it to pages while an app is developed, and never else.
(function () {
  'use strict';
  var mark = Symbol.for('fazt.dev'), script = document.currentScript;
  if (!script || document[mark]) return;
  document[mark] = true;
  var url = script.src.slice(0, -'.js'.length), version = script.dataset.version;
  var stream, timer, shown = 0, dialog, before;

  function remembered(key) { try { return sessionStorage.getItem(key); } catch (e) { return null; } }
  function remember(key, value) { try { sessionStorage.setItem(key, value); } catch (e) { /* not kept, then */ } }

  function connect() {
    clearTimeout(timer);
    if (stream) stream.close();
    // By an address of its own each time, which no service worker's cache can have.
    stream = new EventSource(url + '?' + Date.now() + Math.random());
    stream.addEventListener('state', function (event) { take(JSON.parse(event.data)); });
    stream.addEventListener('stale', connect);
    stream.onerror = function () {
      // A server that was started again may refuse first, and a browser then gives up.
      if (stream.readyState === EventSource.CLOSED) {
        clearTimeout(timer);
        timer = setTimeout(connect, 500);
      }
    };
  }

  function take(state) {
    clearTimeout(timer);
    // A page out of a service worker's cache may be of an old version for good.
    if (state.version !== version && remembered('fazt.dev.version') !== version + '>' + state.version) {
      remember('fazt.dev.version', version + '>' + state.version);
      stream.close();
      location.reload();
      return;
    }
    var problem = state.problem;
    if (!problem) hide();
    else if (problem.deploy) timer = setTimeout(show, 250, problem); // a save that was half done is followed by the rest
    else show(problem);
  }

  function show(problem) {
    if (problem.page === location.pathname + location.search || problem.id === shown ||
        remembered('fazt.dev.closed') === url + problem.id || framed()) return;
    hide();
    shown = problem.id;
    before = document.activeElement;
    var host = document.createElement('fazt-problem');
    var root = host.attachShadow({mode: 'open'});
    var style = new CSSStyleSheet();
    style.replaceSync(css);
    root.adoptedStyleSheets = [style];
    dialog = element('dialog', '');
    dialog.setAttribute('aria-labelledby', 'title');
    dialog.setAttribute('aria-describedby', 'message');
    dialog.append(element('h1', problem.title, 'title'), element('p', problem.message, 'message'));
    if (problem.excerpt) dialog.append(element('pre', problem.excerpt, 'source'));
    if (problem.stack) dialog.append(element('pre', problem.stack, 'stack'));
    if (problem.console) dialog.append(element('h2', 'Console'), element('pre', problem.console.join('\n'), 'console'));
    var close = element('button', 'Close', 'close');
    close.autofocus = true;
    close.addEventListener('click', function () { dialog.close(); });
    dialog.append(element('p', 'Mend it and save: this goes away by itself.', 'hint'), close);
    dialog.addEventListener('close', function () {
      if (shown === problem.id && host.isConnected) remember('fazt.dev.closed', url + problem.id);
      remove(host);
    });
    root.append(dialog);
    document.documentElement.append(host);
    dialog.showModal();
    dialog.scrollTop = 0; // to where it is said, and not to the button that has the focus
  }

  function hide() {
    shown = 0;
    if (dialog) remove(dialog.getRootNode().host);
  }

  function remove(host) {
    dialog = null;
    if (host) host.remove();
    if (before && before.focus) before.focus();
    before = null;
  }

  // A frame within a page of the same app leaves it to that to say so.
  function framed() {
    try { return window !== parent && !!parent.document[mark]; } catch (e) { return false; }
  }

  function element(name, text, id) {
    var e = document.createElement(name);
    e.textContent = text; // what went wrong may quote a visitor
    if (id) e.id = id;
    return e;
  }

  var css = ':host { all: initial }' +
    'dialog { box-sizing: border-box; width: min(60rem, 94vw); max-height: 90vh; overflow: auto; padding: 1.5rem 2rem; border: 0;' +
    ' border-top: .4rem solid #c62828; border-radius: .4rem; background: #fff; color: #1c1c1c; font: 1rem/1.5 system-ui, sans-serif;' +
    ' box-shadow: 0 1rem 4rem #0008 }' +
    'dialog::backdrop { background: #0009 }' +
    'h1 { margin: 0 0 .5rem; font-size: 1.25rem } h2 { margin: 1rem 0 .25rem; font-size: 1rem }' +
    'p { margin: .5rem 0; overflow-wrap: anywhere; white-space: pre-wrap } #message { color: #b3261e; font-weight: 600 }' +
    'pre { margin: .75rem 0; padding: .75rem 1rem; overflow: auto; background: #f2f2f2; border-radius: .25rem;' +
    ' font: .875rem/1.5 ui-monospace, monospace; tab-size: 4 }' +
    '#hint { color: #555 } button { font: inherit; padding: .35rem 1.25rem; cursor: pointer }' +
    '@media (prefers-color-scheme: dark) { dialog { background: #1e1e1e; color: #eee } pre { background: #111 }' +
    ' #message { color: #ff8a80 } #hint { color: #aaa } }';

  // A browser has few connections to a host, so that pages nobody looks at keep none.
  document.addEventListener('visibilitychange', function () {
    if (document.visibilityState === 'visible') connect();
    else if (stream) stream.close();
  });
  addEventListener('pagehide', function () { if (stream) stream.close(); });
  addEventListener('pageshow', function (event) { if (event.persisted) connect(); });
  if (document.visibilityState === 'visible') connect();
})();
