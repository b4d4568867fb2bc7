// nested arrow functions
// engine: goja

<% repeat 4500 "a=>" %>0
