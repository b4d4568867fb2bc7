// encodeURIComponent

encodeURIComponent('%'.repeat(1e7))
