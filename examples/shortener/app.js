const links = document.getElementById('links');
const add = document.getElementById('add');
const who = document.getElementById('who');
const problem = document.getElementById('problem');

async function call(method, path, body) {
  const response = await fetch('/api' + path, {
    method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

async function told(work) {
  problem.textContent = '';
  try {
    await work();
  } catch (error) {
    problem.textContent = error.message;
  }
}

function link(href, text) {
  const a = document.createElement('a');
  a.href = href;
  a.textContent = text;
  return a;
}

function row({ code, url, visits }) {
  const tr = document.createElement('tr');
  const remove = document.createElement('button');
  remove.textContent = 'Remove';
  remove.onclick = () => told(async () => { await call('DELETE', '/links/' + code); await show(); });
  for (const content of [link('/s/' + code, '/s/' + code), url, `${visits} visits`, remove]) {
    const td = document.createElement('td');
    td.append(content);
    tr.append(td);
  }
  return tr;
}

async function show() {
  const me = await call('GET', '/me');
  if (!me.user) {
    who.replaceChildren(link(me.login, 'Sign in'), ' to shorten addresses.');
    return;
  }
  who.replaceChildren(me.user.name + ' ', link(me.logout, 'Sign out'));
  add.hidden = false;
  links.replaceChildren(...(await call('GET', '/links')).links.map(row));
}

add.onsubmit = (event) => {
  event.preventDefault();
  const { url, code } = add.elements;
  told(async () => { await call('POST', '/links', { url: url.value, code: code.value || undefined }); add.reset(); await show(); });
};

told(show);
