// a template's prototype
// engine: goja

const site = () => (s => s)`x`;
const was = site() instanceof Array && Array.prototype.stash === undefined;
Array.prototype.stash = 1;
return was
