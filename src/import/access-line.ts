import { toOffset } from './iso-time.ts';
import { isRealTime, parseMonth, type ParsedLine } from './parsed-line.ts';

const QUOTED = String.raw`"((?:[^"\\]|\\.)*)"`;
/** Common and combined log format, with or without a leading virtual host: host ident user [time] "request" status bytes ["referer" "agent"]. */
const ACCESS = new RegExp(
  String.raw`^(?:([^\s"[\]]{1,255}) )?([^\s"[\]]{1,255}) (\S{1,255}) (\S{1,255}|"[^"]{0,255}") ` +
    String.raw`\[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\] ` +
    String.raw`${QUOTED} (\d{3}|-) (\d{1,18}|-)(?: ${QUOTED} ${QUOTED})?`,
);
const REQUEST = /^(\S+) (\S+)(?: (HTTP\/\S+))?$/;

/** Access log of Apache and nginx. */
export function parseAccessLine(text: string): ParsedLine | undefined {
  const match = ACCESS.exec(text);
  if (match === null) return undefined;
  const [, virtualHost, client, , user, day, monthName, year, hour, minute, second, zone, request, status, bytes, referer, userAgent] =
    match;
  const month = parseMonth(monthName);
  if (month === undefined) return undefined;
  const time = { year: +year, month, day: +day, hour: +hour, minute: +minute, second: +second, fraction: '', offset: toOffset(zone) };
  if (!isRealTime(time)) return undefined;
  const parts = REQUEST.exec(request);
  return {
    message: `${request === '' ? '-' : request} → ${status}`,
    time,
    source: virtualHost,
    actor: given(user),
    attributes: {
      client,
      method: parts?.[1],
      path: parts?.[2],
      protocol: parts?.[3],
      status: status === '-' ? undefined : Number(status),
      bytes: bytes === '-' ? undefined : Number(bytes),
      referer: given(referer),
      userAgent: given(userAgent),
    },
  };
}

/** Both servers write "-" for what is not there. */
function given(field: string | undefined): string | undefined {
  return field === undefined || field === '-' || field === '' ? undefined : field;
}
