const $ = (id) => document.getElementById(id);
const written = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

// call asks the app's handler and returns its JSON, or throws what it said.
async function call(path, options) {
  const response = await fetch(path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

// entryItem uses text alone: nothing that a guest wrote can become markup.
function entryItem(entry) {
  const text = document.createElement('p');
  text.textContent = entry.text;
  const author = document.createElement('b');
  author.textContent = entry.author;
  const time = document.createElement('time');
  time.dateTime = new Date(entry.at).toISOString();
  time.textContent = written.format(entry.at);
  const by = document.createElement('div');
  by.className = 'soft';
  by.append(author, ' · ', time);
  const item = document.createElement('li');
  item.append(text, by);
  return item;
}

async function showEntries() {
  try {
    const { entries } = await call('api/entries');
    $('entries').replaceChildren(...entries.map(entryItem));
    $('state').textContent = entries.length ? '' : 'Nobody yet. Be the first.';
  } catch (error) {
    $('state').textContent = `The book could not be read: ${error.message}`;
  }
  $('state').hidden = $('state').textContent === '';
}

async function showGuest() {
  const { user } = await call('api/me');
  $('guest').hidden = user !== null;
  $('write').hidden = $('leave').hidden = user === null;
  $('name').textContent = user ? user.name : '';
}

function showLeft() {
  const left = $('text').maxLength - $('text').value.length;
  $('left').textContent = `${left} ${left === 1 ? 'character' : 'characters'} left`;
}

$('text').addEventListener('input', showLeft);

$('write').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = $('write').querySelector('button');
  button.disabled = true;
  $('problem').textContent = '';
  try {
    await call('api/entries', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ text: $('text').value }),
    });
    $('write').reset();
    showLeft();
    await showEntries();
  } catch (error) {
    $('problem').textContent = `That was not written: ${error.message}`;
  } finally {
    button.disabled = false;
  }
});

showEntries();
showGuest().catch((error) => { $('problem').textContent = error.message; });
