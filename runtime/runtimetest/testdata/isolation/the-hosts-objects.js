// the host's objects

var was = [fazt.stash, fazt.app.stash, test.echo.stash, shop.tax.stash].join();
fazt.stash = fazt.app.stash = test.echo.stash = shop.tax.stash = request.id;
return was
