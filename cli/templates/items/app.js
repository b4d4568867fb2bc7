const form = document.querySelector('form');
const list = document.querySelector('ul');

async function show() {
  const { items } = await (await fetch('api/items')).json();
  list.replaceChildren(...items.map((item) => {
    const line = document.createElement('li');
    line.textContent = item.text;
    return line;
  }));
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  await fetch('api/items', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ text: form.elements.text.value }),
  });
  form.reset();
  show();
});

show();
