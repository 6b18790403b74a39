import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import ipaddr from 'ipaddr.js';
/** Each option: its environment variable, its default, and what it must be. */
const OPTIONS = {
    issuer: ['ISSUER', 'http://localhost:4000', 'an https URL, or http on localhost; no final slash'],
    audience: ['AUDIENCE', 'http://localhost:3000', 'one word, other than ISSUER'],
    accessTokenSecret: ['ACCESS_TOKEN_SECRET', '', 'readable secrets of at least 32 bytes'],
    feedSecret: ['FEED_SECRET', '', 'as ACCESS_TOKEN_SECRET, but other secrets'],
    authServerUrl: ['AUTH_SERVER_URL', '', 'as ISSUER, but also http in a private network'],
    authServerCaFile: ['AUTH_SERVER_CA_FILE', '', 'a file with certificates in PEM'],
    clockLeeway: ['CLOCK_LEEWAY', '30s', 'a duration such as 30s, at most 5m'],
    maxStaleness: ['REVOCATION_MAX_STALENESS', '60s', 'a duration such as 60s, longer than 5s'],
    onStale: ['ON_STALE', 'allow', 'allow or refuse'],
    sessionCookieName: ['SESSION_COOKIE_NAME', 'session', 'up to 64 letters, digits, - and _'],
    sessionCookieDomain: ['SESSION_COOKIE_DOMAIN', '', 'a domain'],
    corsOrigins: ['CORS_ORIGINS', '', 'https origins, or http on localhost, separated by commas'],
};
const UNITS = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 };
const PRIVATE_RANGES = ['loopback', 'private', 'linkLocal', 'uniqueLocal'];
/** All invalid settings. The message contains no secret. */
export class SettingsError extends Error {
    constructor(problems) {
        super(`invalid configuration:\n  ${problems.join('\n  ')}`);
        this.problems = problems;
        this.name = 'SettingsError';
    }
}
/** Parses `settings`, and variables for what they do not set. Throws a `SettingsError`. */
export function parseSettings(settings) {
    const { environment = process.env } = settings;
    const problems = [];
    const read = (option) => {
        const [variable, unset] = OPTIONS[option];
        const text = settings[option] ?? environment[variable];
        const file = settings[option] === undefined && environment[`${variable}_FILE`];
        if (!file || !option.endsWith('Secret'))
            return text || unset;
        if (text)
            problems.push(`${variable} and ${variable}_FILE are both set; set only one of them`);
        return contentOf(file);
    };
    const options = Object.keys(OPTIONS);
    const texts = Object.fromEntries(options.map((option) => [option, read(option)]));
    const { issuer, audience, authServerUrl: url, authServerCaFile: caFile, onStale } = texts;
    const access = listOf(texts.accessTokenSecret);
    const feed = listOf(texts.feedSecret);
    const origins = listOf(texts.corsOrigins);
    const prefix = texts.sessionCookieDomain === '' ? '__Host-' : '__Secure-';
    const cookieName = texts.sessionCookieName.replace(/^__(?:Host|Secure)-/, '');
    const isValid = {
        issuer: isUrl(issuer, isLocal),
        audience: audience !== issuer && !/[\s\p{Cc}]/u.test(audience),
        accessTokenSecret: access.every(isSecret),
        feedSecret: feed.every((secret) => isSecret(secret) && !access.includes(secret)),
        authServerUrl: url === '' || isUrl(url, isPrivate),
        authServerCaFile: caFile === '' || contentOf(caFile).includes('BEGIN CERTIFICATE'),
        clockLeeway: seconds(texts.clockLeeway) <= 300,
        maxStaleness: seconds(texts.maxStaleness) > 5,
        onStale: ['allow', 'refuse'].includes(onStale),
        sessionCookieName: /^(?!__)[\w-]{1,64}$/.test(cookieName),
        sessionCookieDomain: /^[^.].*\.|^$/.test(texts.sessionCookieDomain),
        corsOrigins: origins.every((origin) => isUrl(origin, isLocal) && originOf(origin) === origin),
    };
    for (const option of options.filter((option) => !isValid[option])) {
        problems.push(`${OPTIONS[option][0]} must be ${OPTIONS[option][2]}`);
    }
    if (problems.length > 0)
        throw new SettingsError(problems);
    return {
        issuer,
        audience,
        onStale,
        secrets: { access, feed },
        url: url || issuer,
        ca: caFile === '' ? undefined : [...rootCertificates, contentOf(caFile)],
        leeway: seconds(texts.clockLeeway),
        maxStaleness: seconds(texts.maxStaleness) * 1000,
        cookieName: issuer.startsWith('http:') ? cookieName : prefix + cookieName,
        /** The origins whose pages may send unsafe requests with the cookie. */
        allowedOrigins: [originOf(issuer), originOf(audience), ...origins],
    };
}
const listOf = (text) => (text === '' ? [] : text.split(/, */));
const isSecret = (text) => Buffer.byteLength(text) >= 32 && !/\s/.test(text);
/** The text without its last line ending. A blank, which is no secret, if there is none. */
function contentOf(path) {
    try {
        return readFileSync(path, 'utf8').replace(/\r?\n$/, '') || ' ';
    }
    catch {
        return ' ';
    }
}
/** NaN if the text is not a duration. */
function seconds(text) {
    const [, number, unit = ''] = /^(\d+)(ms|s|m|h|d)$/.exec(text === '0' ? '0s' : text) ?? [];
    return Number(number) * (UNITS[unit] ?? NaN);
}
/** Whether the text is an https URL, or an http one of a host that `isHttpAllowed`. */
function isUrl(text, isHttpAllowed) {
    if (!/^https?:\/\/[^@?#*\s]*[^@?#*\s/]$/.test(text) || !URL.canParse(text))
        return false;
    return text.startsWith('https:') || isHttpAllowed(new URL(text).hostname.replace(/[[\]]/g, ''));
}
const isLocal = (host) => ['localhost', '127.0.0.1', '::1'].includes(host);
/** Whether the host is an address of a private network, or a name that resolves only in one. */
function isPrivate(host) {
    if (ipaddr.isValid(host))
        return PRIVATE_RANGES.includes(ipaddr.parse(host).range());
    return !host.includes('.') || /\.(?:localhost|local|internal)$/.test(host);
}
/** `undefined` if the text is not a URL of a page. */
function originOf(text) {
    return /^https?:/.test(text) && URL.canParse(text) ? new URL(text).origin : undefined;
}
