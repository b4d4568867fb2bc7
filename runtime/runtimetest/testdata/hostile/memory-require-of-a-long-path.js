// memory: require of a long path

var s = './' + '\u0001'.repeat(6e6); while (true) try { require(s) } catch (e) {}
