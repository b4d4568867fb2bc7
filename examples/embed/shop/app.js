const answer = document.getElementById('answer');

document.getElementById('ask').addEventListener('submit', async (event) => {
  event.preventDefault();
  const sku = document.getElementById('sku').value;
  try {
    // Relative, so that the app works under any prefix.
    const response = await fetch(`api/price?sku=${encodeURIComponent(sku)}`);
    const { cents, error } = await response.json();
    answer.textContent = response.ok
      ? (cents / 100).toLocaleString(undefined, { style: 'currency', currency: 'EUR' })
      : error.message;
  } catch (error) {
    answer.textContent = `That did not work: ${error.message}`;
  }
});
