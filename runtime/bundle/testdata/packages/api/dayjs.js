import dayjs from 'dayjs';
import utc from 'dayjs/plugin/utc.js';
import relativeTime from 'dayjs/plugin/relativeTime.js';
import customParseFormat from 'dayjs/plugin/customParseFormat.js';
import 'dayjs/locale/de.js';

dayjs.extend(utc);
dayjs.extend(relativeTime);
dayjs.extend(customParseFormat);

export default function (request) {
  const at = dayjs.utc('2024-02-29T12:34:56.789Z');
  return {
    iso: at.toISOString(),
    text: at.format('YYYY-MM-DD HH:mm:ss.SSS dddd [of] MMMM Do A'),
    next: at.add(1, 'year').format(),
    diff: at.diff(dayjs.utc('2023-12-24'), 'day'),
    start: at.startOf('month').format(),
    from: at.from(dayjs.utc('2024-03-05')),
    german: at.locale('de').format('dddd, D. MMMM YYYY'),
    parsed: dayjs.utc('24/12/2019', 'DD/MM/YYYY').format(),
    invalid: dayjs('nonsense').isValid(),
  };
}
