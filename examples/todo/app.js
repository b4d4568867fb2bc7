// The page: it asks the handler for the list, and says what the visitor does.
const list = document.getElementById('list');
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

// told runs what may fail and shows why it did.
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

function row(todo) {
  const li = document.createElement('li');
  const done = document.createElement('input');
  const text = document.createElement('span');
  const remove = document.createElement('button');
  li.className = todo.done ? 'done' : '';
  done.type = 'checkbox';
  done.checked = todo.done;
  done.onchange = () => told(async () => { await call('PATCH', '/todos/' + todo.id, { done: done.checked }); await show(); });
  text.textContent = todo.text;
  remove.textContent = 'Remove';
  remove.onclick = () => told(async () => { await call('DELETE', '/todos/' + todo.id); await show(); });
  li.append(done, text, remove);
  return li;
}

async function show() {
  const { user, login, logout } = await call('GET', '/me');
  if (!user) {
    who.replaceChildren(link(login, 'Sign in'), ' to see your list.');
    return;
  }
  who.replaceChildren(user.name + ' ', link(logout, 'Sign out'));
  add.hidden = false;
  const { todos } = await call('GET', '/todos');
  list.replaceChildren(...todos.map(row));
}

add.onsubmit = (event) => {
  event.preventDefault();
  told(async () => { await call('POST', '/todos', { text: add.elements.text.value }); add.reset(); await show(); });
};

told(show);
