// parseFloat

parseFloat('e'.repeat(1e6)); parseFloat('1' + 'e'.repeat(1e6))
