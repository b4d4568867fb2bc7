// a host function
// engine: goja

const was = test.echo.stash;
test.echo.stash = request.id;
Object.defineProperty(test.echo, 'x', {value: 1});
return String(was) + (Object.getPrototypeOf(test.echo) === Function.prototype)
