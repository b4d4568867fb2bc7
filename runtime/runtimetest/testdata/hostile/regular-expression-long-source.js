// regular expression: long source

new RegExp('(a|b)'.repeat(1e6))
