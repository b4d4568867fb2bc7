import { addDays, differenceInCalendarDays, eachDayOfInterval, endOfMonth, format, formatDistance, formatISO, intervalToDuration, isLeapYear,
  parse, parseISO } from 'date-fns';
import { fr } from 'date-fns/locale/fr';

export default function (request) {
  const at = new Date(2024, 1, 29, 12, 34, 56);
  return {
    text: format(at, "yyyy-MM-dd HH:mm:ss EEEE 'week' I, do MMMM"),
    french: format(at, 'PPPP', { locale: fr }),
    later: format(addDays(at, 30), 'P'),
    days: differenceInCalendarDays(new Date(2024, 11, 24), at),
    each: eachDayOfInterval({ start: at, end: addDays(at, 2) }).length,
    end: format(endOfMonth(at), 'Pp'),
    distance: formatDistance(at, new Date(2024, 2, 10), { addSuffix: true }),
    date: formatISO(at, { representation: 'date' }),
    leap: isLeapYear(at),
    parsed: format(parse('02/11/2014', 'MM/dd/yyyy', new Date(0)), 'PPP'),
    iso: parseISO('2014-02-11').getDate(),
    duration: intervalToDuration({ start: new Date(2020, 0, 1), end: new Date(2021, 5, 3, 4) }),
  };
}
