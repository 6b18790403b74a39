import onHeaders from 'on-headers';
import { parseObject } from './strict-json.js';
import { invalidToken, TokenError } from './token-error.js';
const MAX_COOKIE_LENGTH = 4096;
/** The token of a request, not yet verified. Marks the response if it depends on cookies. */
export function tokenOf({ method = '', headers, rawHeaders }, response, { cookieName, allowedOrigins }) {
    // Node's `headers.authorization` has only the first of several.
    const isName = (at) => at % 2 === 0 && /^authorization$/i.test(rawHeaders[at] ?? '');
    const [authorization, ...others] = rawHeaders.filter((_, at) => isName(at - 1));
    if (others.length > 0)
        throw new TokenError('invalid_request');
    const [isBearer, token = ''] = /^bearer(?: +(.*))?$/i.exec(authorization ?? '') ?? [];
    if (isBearer)
        return token;
    const cookies = authorization === undefined ? valuesOf(cookieName, headers.cookie) : [];
    onHeaders(response, () => {
        if (cookies.length > 0)
            response.setHeader('Cache-Control', 'private, no-store');
        response.appendHeader('Vary', 'Sec-Fetch-Site, Origin, Cookie');
    });
    const [cookie] = cookies;
    if (cookie === undefined)
        throw new TokenError('missing_token');
    if (cookies.length > 1)
        throw invalidToken('two cookies');
    // Before the token, so that a foreign page does not learn whether the cookie is valid.
    // A page of another origin can open a WebSocket with a GET, and read its messages.
    const isWebSocket = 'sec-websocket-version' in headers;
    const isSafe = ['GET', 'HEAD', 'OPTIONS'].includes(method) && !isWebSocket;
    const isOwn = ['same-origin', 'none'].includes(String(headers['sec-fetch-site']));
    const isAllowed = headers.origin !== undefined && allowedOrigins.includes(headers.origin);
    if (!isSafe && !isOwn && !isAllowed)
        throw new TokenError('cross_site_request');
    return tokenIn(cookie);
}
/** The values of all cookies with this name. */
function valuesOf(name, header = '') {
    // Trims spaces and tabs only: browsers take other white space for a part of the name.
    const pairs = header.split(';').map((pair) => pair.replace(/^[ \t]+/, ''));
    const own = pairs.filter((pair) => pair.startsWith(`${name}=`));
    return own.map((pair) => pair.slice(name.length + 1));
}
/** The token in the value of a session cookie: base64 of `{"jwt": token}`. */
function tokenIn(cookie) {
    if (cookie.length > MAX_COOKIE_LENGTH)
        throw invalidToken('cookie too long');
    const bytes = Buffer.from(cookie, 'base64');
    try {
        const { jwt } = parseObject(bytes);
        // The token is not escaped: each token has one cookie.
        const isPlain = typeof jwt === 'string' && bytes.includes(`"${jwt}"`);
        if (isPlain && bytes.toString('base64') === cookie)
            return jwt;
    }
    catch {
        // The same error as below.
    }
    throw invalidToken('malformed cookie');
}
