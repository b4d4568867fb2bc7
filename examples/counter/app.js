const count = document.getElementById('count');
const problem = document.getElementById('problem');

async function show(method) {
  problem.textContent = '';
  try {
    const response = await fetch('api/count', { method });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    count.textContent = (await response.json()).count.toLocaleString();
  } catch (error) {
    problem.textContent = `That did not work: ${error.message}. Try again.`;
  }
}

document.getElementById('add').addEventListener('click', () => show('POST'));
show('GET');
