// huge join

new Array(1e7).join('x')
