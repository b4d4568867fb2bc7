// formats without end

var all = [];
for (;;) all.push(new Intl.DateTimeFormat('de', {dateStyle: 'full', timeZone: 'Asia/Tokyo'}));
