// The iterator of arrays is looked up when a program first needs it guarded.
// engine: goja

Array.prototype[Symbol.iterator] = () => 1;
return [1]['val' + 'ues']()['ne' + 'xt']();
