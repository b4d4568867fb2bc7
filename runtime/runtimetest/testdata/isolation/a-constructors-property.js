// a constructor's property

var was = Date.stash;
Date.stash = request.id;
Date.now.stash = 1;
Date.prototype.getTime.stash = 1;
return [was, Date.now.stash, Date.prototype.getTime.stash].join()
