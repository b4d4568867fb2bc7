// code made at run time

var out = [];
['eval', 'Function'].forEach(function (n) { try { out.push(n === 'eval' ? eval('1') : Function('return 1')()); }
  catch (e) { out.push('no'); } });
try { out.push((function () {}).constructor('return 1')()); } catch (e) { out.push('no'); }
try { out.push(Math.max.constructor('return 1')()); } catch (e) { out.push('no'); }
try { out.push(new (Object.getPrototypeOf(function () {}).constructor)('return 1')()); }
  catch (e) { out.push('no'); }
return out.join()
