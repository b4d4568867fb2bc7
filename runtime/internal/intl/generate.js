// Writes locales.json: what this package knows of each locale, as Intl of Node prints it,
// whose data is that of the Unicode CLDR. Run it with a Node that has all locales:
//
//   node generate.js > locales.json
'use strict';

const LOCALES = {
  en: 'en-US', 'en-GB': '', 'en-AU': '', 'en-CA': '', 'en-IE': '', 'en-IN': '', 'en-NZ': '', 'en-ZA': '',
  de: 'de-DE', 'de-AT': '', 'de-CH': '', fr: 'fr-FR', 'fr-BE': '', 'fr-CA': '', 'fr-CH': '', es: 'es-ES',
  'es-AR': '', 'es-MX': '', it: 'it-IT', pt: 'pt-BR', 'pt-PT': '', nl: 'nl-NL', 'nl-BE': '', sv: 'sv-SE',
  da: 'da-DK', nb: 'nb-NO', fi: 'fi-FI', pl: 'pl-PL', cs: 'cs-CZ', hu: 'hu-HU', ro: 'ro-RO', tr: 'tr-TR',
  el: 'el-GR', ru: 'ru-RU', uk: 'uk-UA', ja: 'ja-JP', ko: 'ko-KR', zh: 'zh-CN',
};
const AT = new Date('2024-03-05T09:08:07.006Z'), LATE = new Date('2024-03-05T21:08:07.006Z');
const months = [...Array(12).keys()].map(m => new Date(Date.UTC(2024, m, 5)));
const days = [...Array(7).keys()].map(d => new Date(Date.UTC(2024, 2, 3 + d))); // from a Sunday

function partsOf(locale, options, at) {
  // format prints a usual space where formatToParts has a narrow one.
  return new Intl.DateTimeFormat(locale, {timeZone: 'UTC', ...options}).formatToParts(at || AT)
    .map(p => ({type: p.type, value: p.value.replace(/\u202f/g, ' ')}));
}
function name(locale, options, type, at) {
  return (partsOf(locale, options, at).find(p => p.type === type) || {value: ''}).value;
}

// which finds the list of names, beside others or alone, that a name is in at 2. One that
// is in neither is inflected: the pattern is none then.
function which(value, width, names, alone, one, other) {
  if (!names) return '!';
  const lists = width in WIDTHS ? [WIDTHS[width]] : [0, 1];
  if (lists.some(i => names[i][2] === value)) return one;
  if (alone && lists.some(i => alone[i][2] === value)) return other;
  return '!';
}
const WIDTHS = {long: 0, short: 1, narrow: 2};

// pattern writes parts as letters in braces: E (W alone), y, N (L alone), M, d, h, m, s, S,
// a, z. It is null for what the names in of don't give.
function pattern(locale, options, of = {}) {
  const text = partsOf(locale, options).map(p => {
    const padded = p.value.length === 2 && p.value[0] === '0' ? 2 : 1;
    switch (p.type) {
    case 'literal': return p.value;
    case 'weekday': return which(p.value, options.weekday, of.days, of.daysAlone, '{E}', '{W}');
    case 'year': return p.value === '24' ? '{yy}' : '{y}';
    case 'month':
      if (/^0?3$/.test(p.value)) return padded === 2 ? '{MM}' : '{M}';
      return which(p.value, options.month, of.months, of.alone, '{N}', '{L}');
    case 'day': return padded === 2 ? '{dd}' : '{d}';
    case 'hour': return padded === 2 ? '{hh}' : '{h}';
    case 'minute': return padded === 2 ? '{mm}' : '{m}';
    case 'second': return padded === 2 ? '{ss}' : '{s}';
    case 'fractionalSecond': return '{S}';
    case 'dayPeriod': return '{a}';
    case 'timeZoneName': return '{z}';
    default: throw new Error(locale + ' ' + p.type + ' ' + JSON.stringify(options));
    }
  }).join('');
  return text.includes('!') ? null : text;
}

function datesOf(locale) {
  const of = {};
  of.months = ['long', 'short', 'narrow'].map(month => months.map(at => name(locale, {month, day: 'numeric'}, 'month', at)));
  of.alone = ['long', 'short', 'narrow'].map(month => months.map(at => name(locale, {month}, 'month', at)));
  if (JSON.stringify(of.alone) === JSON.stringify(of.months)) delete of.alone;
  of.days = ['long', 'short', 'narrow'].map(weekday => days.map(at => name(locale, {weekday, day: 'numeric', month: 'short'}, 'weekday', at)));
  of.daysAlone = ['long', 'short', 'narrow'].map(weekday => days.map(at => name(locale, {weekday}, 'weekday', at)));
  if (JSON.stringify(of.daysAlone) === JSON.stringify(of.days)) delete of.daysAlone;
  of.halves = [AT, LATE].map(at => name(locale, {hour: 'numeric', hour12: true}, 'dayPeriod', at));
  of.hour12 = new Intl.DateTimeFormat(locale, {hour: 'numeric'}).resolvedOptions().hour12;
  of.patterns = {};
  for (const weekday of ['', 'short', 'long']) {
    for (const year of ['', 'numeric']) {
      for (const month of ['', 'numeric', 'short', 'long']) {
        for (const day of ['', 'numeric']) {
          const options = {}, key = (weekday && weekday[0]) + (year && 'y') + (month && month[0].toUpperCase()) + (day && 'd');
          if (!key) continue;
          for (const [k, v] of Object.entries({weekday, year, month, day})) if (v) options[k] = v;
          of.patterns[key] = pattern(locale, options, of);
          if (of.patterns[key] === null) {
            delete of.patterns[key];
            continue;
          }
          const both = pattern(locale, {...options, hour: 'numeric', minute: 'numeric'}, of);
          const time = pattern(locale, {hour: 'numeric', minute: 'numeric'});
          const date = of.patterns[key], text = options => new Intl.DateTimeFormat(locale, {timeZone: 'UTC', ...options}).format(AT);
          const alone = text(options), beside = text({...options, hour: 'numeric', minute: 'numeric'});
          let join = null;
          if (both === null) {
            of.patterns[key + '+'] = '-';
            continue;
          }
          if (!beside.startsWith(alone) && !beside.endsWith(alone)) join = null; // the date is inflected
          else if (both.startsWith(date) && both.endsWith(time)) join = '0' + both.slice(date.length, both.length - time.length);
          else if (both.startsWith(time) && both.endsWith(date)) join = '1' + both.slice(time.length, both.length - date.length);
          if (of.join === undefined) of.join = join;
          if (join !== of.join) of.patterns[key + '+'] = join === null ? '-' : join;
        }
      }
    }
  }
  // Two digits may stand in another pattern.
  for (const year of ['', 'numeric', '2-digit']) {
    for (const month of ['numeric', '2-digit', 'short', 'long']) {
      for (const day of ['', 'numeric', '2-digit']) {
        const options = {}, key = {numeric: 'y', '2-digit': 'z'}[year] || '';
        for (const [k, v] of Object.entries({year, month, day})) if (v) options[k] = v;
        const whole = key + {numeric: 'N', '2-digit': 'N2', short: 'S', long: 'L'}[month] + ({numeric: 'd', '2-digit': 'd2'}[day] || '');
        of.patterns[whole] ??= pattern(locale, options, of);
      }
    }
  }
  for (const hour12 of /^en/.test(locale) ? [undefined, !of.hour12] : [undefined]) {
    const other = hour12 === undefined ? '' : '!', widths = {'': undefined, n: 'numeric', 2: '2-digit'};
    const put = (key, options) => { of.patterns[key + other] = pattern(locale, {...options, hour12}); };
    for (const h of ['n', '2']) {
      const hour = widths[h];
      put('th' + h, {hour});
      for (const m of ['n', '2']) {
        const minute = widths[m];
        put('th' + h + 'm' + m, {hour, minute});
        for (const s of ['n', '2']) {
          put('th' + h + 'm' + m + 's' + s, {hour, minute, second: widths[s]});
          put('th' + h + 'm' + m + 's' + s + 'S', {hour, minute, second: widths[s], fractionalSecondDigits: 3});
        }
      }
    }
    for (const style of ['medium', 'short']) put('time ' + style, {timeStyle: style});
  }
  of.patterns.tmnsn = pattern(locale, {minute: 'numeric', second: 'numeric'});
  of.patterns.tmn = pattern(locale, {minute: 'numeric'});
  of.patterns.tmnsnS = pattern(locale, {minute: 'numeric', second: 'numeric', fractionalSecondDigits: 3});
  of.patterns.tsn = pattern(locale, {second: 'numeric'});
  for (const style of ['full', 'long', 'medium', 'short']) {
    of.patterns['date ' + style] = pattern(locale, {dateStyle: style}, of);
    const both = pattern(locale, {dateStyle: style, timeStyle: 'short'}, of);
    const date = of.patterns['date ' + style], time = pattern(locale, {timeStyle: 'short'});
    if (date === null || both === null) throw new Error(locale + ' ' + style);
    of.patterns['join ' + style] = both.startsWith(date) ? '0' + both.slice(date.length, both.length - time.length) : '1' + both.slice(time.length, both.length - date.length);
  }
  return of;
}

function numbersOf(locale) {
  const parts = (options, n) => new Intl.NumberFormat(locale, options).formatToParts(n);
  const value = (list, type) => (list.find(p => p.type === type) || {value: ''}).value;
  const big = parts({minimumFractionDigits: 1}, -1234567890.5), of = {};
  of.decimal = value(big, 'decimal');
  of.group = value(big, 'group');
  of.minus = value(big, 'minusSign');
  of.plus = value(parts({signDisplay: 'always'}, 1), 'plusSign');
  of.exponent = value(parts({notation: 'scientific'}, 12345), 'exponentSeparator');
  of.nan = value(parts({}, NaN), 'nan');
  of.infinity = value(parts({}, Infinity), 'infinity');
  if (!parts({}, 1234).some(p => p.type === 'group')) of.least = 2;
  const sizes = big.filter(p => p.type === 'integer').map(p => p.value.length);
  if (sizes[sizes.length - 2] === 2) of.two = true;
  const shape = list => list.map(p => p.type === 'literal' ? p.value : p.type === 'currency' ? '¤' : p.type === 'percentSign' ? '%' :
    p.type === 'minusSign' ? '-' : p.type === 'plusSign' ? '+' : p.type === 'integer' ? '1' : '').join('').replace(/1+/, '1');
  of.percent = [shape(parts({style: 'percent'}, 0.05)), shape(parts({style: 'percent'}, -0.05))];
  const money = {style: 'currency', currency: 'USD', maximumFractionDigits: 0};
  of.money = [];
  for (const options of [{currencyDisplay: 'narrowSymbol'}, {currencyDisplay: 'code'}, {currencyDisplay: 'narrowSymbol', currencySign: 'accounting'},
    {currencyDisplay: 'code', currencySign: 'accounting'}]) {
    of.money.push(shape(parts({...money, ...options}, 5)), shape(parts({...money, ...options}, -5)));
  }
  const own = new Intl.NumberFormat(locale, {style: 'currency', currency: 'EUR'}).formatToParts(1234567.5);
  if (value(own, 'group') !== of.group) of.moneyGroup = value(own, 'group');
  if (value(own, 'decimal') !== of.decimal) of.moneyDecimal = value(own, 'decimal');
  of.symbols = {};
  of.narrow = {};
  for (const currency of Intl.supportedValuesOf('currency')) {
    const symbol = value(parts({style: 'currency', currency}, 5), 'currency');
    const narrow = value(parts({style: 'currency', currency, currencyDisplay: 'narrowSymbol'}, 5), 'currency');
    if (symbol !== currency) of.symbols[currency] = symbol;
    if (narrow !== symbol) of.narrow[currency] = narrow;
  }
  return of;
}

function listsOf(locale) {
  const of = {};
  for (const type of ['conjunction', 'disjunction', 'unit']) {
    for (const style of ['long', 'short', 'narrow']) {
      const f = new Intl.ListFormat(locale, {type, style});
      const literals = n => f.formatToParts(Array(n).fill('x')).filter(p => p.type === 'literal').map(p => p.value);
      const four = literals(4);
      of[type + ' ' + style] = [literals(2)[0], four[0], four[1], four[2]];
    }
  }
  return of;
}

function relativeOf(locale) {
  const of = {}, rules = new Intl.PluralRules(locale);
  const samples = {};
  for (const n of [...Array(101).keys(), 1000000, 0.5, 1.5]) samples[rules.select(n)] ??= n;
  for (const unit of ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second']) {
    for (const style of /^en/.test(locale) ? ['long', 'short', 'narrow'] : ['long']) {
      const always = new Intl.RelativeTimeFormat(locale, {style}), auto = new Intl.RelativeTimeFormat(locale, {style, numeric: 'auto'});
      const forms = {};
      for (const [category, n] of Object.entries(samples)) {
        for (const sign of ['+', '-']) {
          const whole = always.formatToParts(sign === '+' ? n : n === 0 ? -0 : -n, unit).map(p => p.type === 'literal' ? p.value : '\u0000').join('');
          forms[sign + category] = whole.replace(/\u0000+/, '{0}');
        }
      }
      for (const n of [-2, -1, 0, 1, 2]) {
        const text = auto.format(n, unit);
        if (text !== always.format(n, unit)) forms[n] = text;
      }
      const zero = auto.format(-0, unit);
      if (forms[0] && zero !== forms[0]) forms['-0'] = zero;
      of[unit + ' ' + style] = forms;
    }
  }
  return of;
}

const out = {};
for (const [locale, same] of Object.entries(LOCALES)) {
  out[locale] = {same, numbers: numbersOf(locale), dates: datesOf(locale), lists: listsOf(locale), relative: relativeOf(locale)};
}
const digits = {};
for (const currency of Intl.supportedValuesOf('currency')) {
  const n = new Intl.NumberFormat('en', {style: 'currency', currency}).resolvedOptions().maximumFractionDigits;
  if (n !== 2) digits[currency] = n;
}
console.log('{"digits":' + JSON.stringify(digits) + ',\n"locales":{\n' +
  Object.entries(out).map(([k, v]) => JSON.stringify(k) + ':' + JSON.stringify(v)).join(',\n') + '}}');
