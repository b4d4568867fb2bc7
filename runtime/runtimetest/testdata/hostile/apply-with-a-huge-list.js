// apply with a huge list

Math.max.apply(null, {length: 4294967295})
