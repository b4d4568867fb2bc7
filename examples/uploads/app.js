const upload = document.getElementById('upload');
const state = document.getElementById('state');

// ask returns the handler's JSON, or throws what it said.
async function ask(method, path, body) {
  const response = await fetch(path, { method, body });
  if (response.ok) return response.status === 204 ? null : response.json();
  const { error } = await response.json();
  throw Object.assign(new Error(error.message), { code: error.code });
}

function row(file) {
  const link = document.createElement('a');
  link.href = file.url; // signed, and good for an hour
  link.textContent = file.name;
  const remove = document.createElement('button');
  remove.textContent = 'Remove';
  remove.setAttribute('aria-label', `Remove ${file.name}`);
  remove.addEventListener('click', () => act(() => ask('DELETE', `api/files?path=${encodeURIComponent(file.path)}`)));
  const line = document.createElement('li');
  line.append(link, ` ${Math.ceil(file.size / 1024)} KiB `, remove);
  return line;
}

async function show() {
  const { files } = await ask('GET', 'api/files');
  document.getElementById('files').replaceChildren(...files.map(row));
  state.textContent = files.length ? '' : 'Nothing here yet.';
}

async function act(work) {
  state.textContent = 'One moment…';
  try {
    await work();
    await show();
    upload.hidden = false;
  } catch (error) {
    state.textContent = error.code === 'LOGIN_REQUIRED' ? '' : error.message;
    document.getElementById('guest').hidden = error.code !== 'LOGIN_REQUIRED';
  }
}

upload.addEventListener('submit', (event) => {
  event.preventDefault();
  act(async () => {
    await ask('POST', 'api/files', new FormData(upload)); // as multipart/form-data
    upload.reset();
  });
});

act(async () => {});
