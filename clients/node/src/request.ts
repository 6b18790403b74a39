import { TokenError } from './caller.js';
import { parseObject } from './strict-json.js';

const MAX_COOKIE_BYTES = 4096;

/** The credential of a request, not yet verified. */
export type Credential =
  { from: 'header' | 'cookie'; value: string } | { from: 'nothing' | 'two headers' | 'two cookies' };

/** The values of a header. Node's `headers.authorization` has only the first of several. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
}

/** With an `Authorization` header, whatever it contains, cookies are ignored. */
export function credentialOf(rawHeaders: readonly string[], cookieName: string): Credential {
  const [header, ...others] = valuesOf(rawHeaders, 'authorization');
  if (others.length > 0) return { from: 'two headers' };
  if (header !== undefined) {
    const space = `${header} `.indexOf(' ');
    const isBearer = header.slice(0, space).toLowerCase() === 'bearer';
    return isBearer ? { from: 'header', value: trim(header.slice(space), ' ') } : { from: 'nothing' };
  }
  const pairs = valuesOf(rawHeaders, 'cookie').flatMap((value) => value.split(';'));
  const named = pairs.map((pair) => trim(pair, ' \t')).filter((pair) => pair.startsWith(`${cookieName}=`));
  const [cookie, ...more] = named;
  if (cookie === undefined) return { from: 'nothing' };
  return more.length > 0 ? { from: 'two cookies' } : { from: 'cookie', value: cookie.slice(cookieName.length + 1) };
}

/** Not by a regular expression, whose time would grow with the square of the number of blanks. */
function trim(text: string, blanks: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && blanks.includes(text.charAt(from))) from += 1;
  while (from < to && blanks.includes(text.charAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

/** The token in the value of a session cookie: base64 of `{"jwt": token}`. */
export function tokenOfCookie(value: string): string {
  const bytes = Buffer.from(value.length > MAX_COOKIE_BYTES ? '' : value, 'base64');
  try {
    const { jwt } = parseObject(bytes);
    const isStrict = bytes.toString('base64') === value && bytes.includes(JSON.stringify(jwt));
    if (isStrict && typeof jwt === 'string') return jwt;
  } catch {
    // The same error as below.
  }
  throw new TokenError('malformed_cookie');
}

/** Whether a request with this method may use cookies: browsers attach them to requests of foreign pages, too. */
export function mayUseCookies(method: string, rawHeaders: readonly string[], senders: ReadonlySet<string>): boolean {
  const single = (name: string) => {
    const [value = '', ...others] = valuesOf(rawHeaders, name);
    return others.length > 0 ? '' : value;
  };
  return (
    ['GET', 'HEAD', 'OPTIONS'].includes(method) ||
    ['same-origin', 'none'].includes(single('sec-fetch-site')) ||
    senders.has(single('origin'))
  );
}
