const photos = document.getElementById('photos');
const add = document.getElementById('add');
const who = document.getElementById('who');
const problem = document.getElementById('problem');

async function call(method, path, body) {
  const response = await fetch('/api' + path, { method, body });
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

function picture(photo) {
  const figure = document.createElement('figure');
  const img = document.createElement('img');
  const caption = document.createElement('figcaption');
  img.src = '/api/photos/' + photo.id;
  img.alt = photo.title;
  img.loading = 'lazy';
  caption.textContent = `${photo.title} by ${photo.by} `;
  if (photo.mine) {
    const remove = document.createElement('button');
    remove.textContent = 'Remove';
    remove.onclick = () => told(async () => { await call('DELETE', '/photos/' + photo.id); await show(); });
    caption.append(remove);
  }
  figure.append(img, caption);
  return figure;
}

async function show() {
  const answer = await call('GET', '/photos');
  photos.replaceChildren(...answer.photos.map(picture));
  if (!answer.user) {
    who.replaceChildren(link(answer.login, 'Sign in'), ' to upload.');
    return;
  }
  who.replaceChildren(answer.user + ' ', link(answer.logout, 'Sign out'));
  add.hidden = false;
}

add.onsubmit = (event) => {
  event.preventDefault();
  told(async () => { await call('POST', '/photos', new FormData(add)); add.reset(); await show(); });
};

told(show);
