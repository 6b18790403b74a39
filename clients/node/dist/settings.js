import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { AuthServer } from './auth-server.js';
const VARIABLES = {
    issuer: 'ISSUER',
    audience: 'AUDIENCE',
    accessTokenSecret: 'ACCESS_TOKEN_SECRET',
    feedSecret: 'FEED_SECRET',
    authServerUrl: 'AUTH_SERVER_URL',
    authServerCaFile: 'AUTH_SERVER_CA_FILE',
    clockLeeway: 'CLOCK_LEEWAY',
    maxStaleness: 'REVOCATION_MAX_STALENESS',
    onStale: 'ON_STALE',
    sessionCookieName: 'SESSION_COOKIE_NAME',
    sessionCookieDomain: 'SESSION_COOKIE_DOMAIN',
    corsOrigins: 'CORS_ORIGINS',
};
/** All invalid settings. The message contains no secret. */
export class SettingsError extends Error {
    problems;
    name = 'SettingsError';
    constructor(problems) {
        super(`invalid configuration:\n  ${problems.join('\n  ')}`);
        this.problems = problems;
    }
}
const URL_RULE = 'must be an https URL (or http, on % only), without a user, a query, or a slash at its end';
const RULES = {
    ISSUER: URL_RULE.replace('%', 'localhost'),
    AUDIENCE: 'must be one name without white space, other than ISSUER',
    AUTH_SERVER_URL: URL_RULE.replace('%', 'private networks'),
    AUTH_SERVER_CA_FILE: 'must name a file with certificates in PEM',
    CLOCK_LEEWAY: 'must be a duration such as 30s, of at most 5m',
    REVOCATION_MAX_STALENESS: 'must be a duration such as 60s, longer than 5s',
    ON_STALE: 'must be allow or refuse',
    CORS_ORIGINS: 'must be https origins (or http, on localhost only) as browsers send them, separated by commas',
    SESSION_COOKIE_DOMAIN: 'must be a domain that contains the host of an https ISSUER',
    SESSION_COOKIE_NAME: 'must be up to 64 letters, digits, - and _, with the prefix that follows from other settings',
};
/** Parses `settings`, and `environment` for what they do not set. Throws a `SettingsError`. */
export function parseSettings(settings, environment) {
    const env = merged(settings, environment);
    const problems = [];
    // The value of an invalid variable is not used.
    const value = (variable, unset, parse) => {
        const parsed = parse(env[variable] || unset);
        if (parsed === undefined)
            problems.push(`${variable} ${RULES[variable]}`);
        return parsed;
    };
    const issuer = value('ISSUER', 'http://localhost:4000', (text) => baseUrl(text, isLocal));
    const audience = value('AUDIENCE', 'http://localhost:3000', (text) => audienceOf(text, issuer));
    const leeway = value('CLOCK_LEEWAY', '30s', (text) => duration(text, 0, 300_000));
    const maxStaleness = value('REVOCATION_MAX_STALENESS', '60s', (text) => duration(text, 5_001, Infinity));
    const onStale = value('ON_STALE', 'allow', (text) => ['allow', 'refuse'].find((known) => known === text));
    const ca = value('AUTH_SERVER_CA_FILE', '', certificates);
    const url = value('AUTH_SERVER_URL', issuer ?? 'http://localhost', (text) => baseUrl(text, isPrivate));
    const cors = value('CORS_ORIGINS', '', origins);
    const domain = value('SESSION_COOKIE_DOMAIN', '', (text) => cookieDomain(text, issuer));
    const cookieName = value('SESSION_COOKIE_NAME', 'session', (text) => fullCookieName(text, issuer, domain));
    const secrets = parseSecrets(env, problems);
    if (!env.ACCESS_TOKEN_SECRET && !env.ACCESS_TOKEN_SECRET_FILE && !env.AUTH_SERVER_URL) {
        problems.push('ACCESS_TOKEN_SECRET is not set, nor is AUTH_SERVER_URL, whose public keys would do as well');
    }
    if (problems.length > 0)
        throw new SettingsError(problems);
    const senders = new Set([issuer, audience].flatMap((text) => originOf(text) ?? []).concat(cors));
    const files = [env.ACCESS_TOKEN_SECRET_FILE, env.FEED_SECRET_FILE].flatMap((path) => path || []);
    const readSecrets = (found) => parseSecrets(env, found);
    const parsed = { issuer, audience, leeway, maxStaleness, onStale, cookieName, senders, secrets, files, readSecrets };
    return { ...parsed, server: new AuthServer(url, ca || undefined) };
}
function merged(settings, environment) {
    const env = { ...environment };
    for (const [option, variable] of Object.entries(VARIABLES)) {
        const value = settings[option];
        if (value === undefined)
            continue;
        env[variable] = value;
        delete env[`${variable}_FILE`];
    }
    return env;
}
function parseSecrets(env, problems) {
    const list = (variable) => {
        const path = env[`${variable}_FILE`];
        try {
            if (env[variable] && path)
                throw new Error(`and ${variable}_FILE are both set; set only one of them`);
            const text = path ? readText(path).replace(/\r?\n$/, '') : env[variable];
            const secrets = text || path ? (text ?? '').split(',') : [];
            secrets.forEach(checkSecret);
            if (new Set(secrets).size < secrets.length)
                throw new Error('has the same secret twice');
            return secrets;
        }
        catch (error) {
            problems.push(`${variable} ${error.message}`);
            return [];
        }
    };
    const secrets = { access: list('ACCESS_TOKEN_SECRET'), feed: list('FEED_SECRET') };
    if (!secrets.feed.some((secret) => secrets.access.includes(secret)))
        return secrets;
    problems.push('FEED_SECRET is identical to ACCESS_TOKEN_SECRET');
    return { access: [], feed: [] };
}
function readText(path) {
    try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
    }
    catch (error) {
        throw new Error(`cannot be read from its file: ${error.code}`);
    }
}
const WELL_KNOWN = [
    'secret',
    'asdf',
    'changeme',
    'change-me',
    'change_me',
    'password',
    'test',
    'default',
    'example',
    '0123456789',
    '1234567890',
    'your-256-bit-secret',
    'a-string-secret-at-least-256-bits-long',
    'your_secret_key',
    'supersecret',
];
/** Throws if the text is weak. The error contains no part of it. */
function checkSecret(text) {
    const lower = text.toLowerCase();
    const bytes = Buffer.from(text);
    const isKnown = WELL_KNOWN.some((known) => lower.includes(known) && lower.replaceAll(known, '').length * 4 <= lower.length);
    const problem = isKnown
        ? 'is a well-known default'
        : bytes.length < 32
            ? `is ${bytes.length} bytes long; it needs at least 32`
            : /[\p{White_Space}\p{Cc}\ufeff\ufffd]/u.test(text)
                ? 'contains white space or control characters'
                : new Set(bytes).size < 8
                    ? 'repeats a few characters'
                    : undefined;
    if (problem)
        throw new Error(`${problem}. \`auth-server secrets\` prints good ones`);
}
/** Milliseconds. */
function duration(text, from, to) {
    const [, number = '', unit = ''] = /^(\d+)(ms|s|m|h|d)$/.exec(text === '0' ? '0s' : text) ?? [];
    const milliseconds = Number(number) * ({ ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? NaN);
    return milliseconds >= from && milliseconds <= to ? milliseconds : undefined;
}
function audienceOf(text, issuer) {
    return text === issuer || /[\p{White_Space}\p{Cc}]/u.test(text) ? undefined : text;
}
function certificates(path) {
    try {
        const pem = path && readText(path);
        return pem === '' || pem.includes('-----BEGIN CERTIFICATE-----') ? pem : undefined;
    }
    catch {
        return undefined;
    }
}
function parseUrl(text) {
    return URL.canParse(text) ? new URL(text) : undefined;
}
function originOf(text) {
    const origin = parseUrl(text)?.origin;
    return origin === 'null' ? undefined : origin;
}
/** The text, if it is an https URL, or an http one of a host that `isHttpAllowed`. */
function baseUrl(text, isHttpAllowed) {
    const url = text.includes('://') && !/[@?#\s]|\/$/.test(text) ? parseUrl(text) : undefined;
    const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && isHttpAllowed(url.hostname));
    return isAllowed ? text : undefined;
}
const isLocal = (host) => ['localhost', '127.0.0.1', '[::1]'].includes(host);
const PRIVATE = new BlockList();
PRIVATE.addSubnet('127.0.0.0', 8);
PRIVATE.addSubnet('10.0.0.0', 8);
PRIVATE.addSubnet('172.16.0.0', 12);
PRIVATE.addSubnet('192.168.0.0', 16);
PRIVATE.addSubnet('169.254.0.0', 16);
PRIVATE.addSubnet('::1', 128, 'ipv6');
PRIVATE.addSubnet('fc00::', 7, 'ipv6');
PRIVATE.addSubnet('fe80::', 10, 'ipv6');
/** Whether the host is an address of a private network, or a name that resolves only in one. */
function isPrivate(host) {
    const address = host.replace(/^\[|\]$/g, '');
    const family = isIP(address);
    if (family > 0)
        return PRIVATE.check(address, family === 4 ? 'ipv4' : 'ipv6');
    return !host.includes('.') || /\.(?:localhost|local|internal)$/.test(host);
}
function origins(text) {
    const all = text.trim() === '' ? [] : text.split(',').map((origin) => origin.trim());
    const isOrigin = (origin) => originOf(origin) === origin && !origin.includes('*') && baseUrl(origin, isLocal);
    return all.every(isOrigin) ? all : undefined;
}
function cookieDomain(text, issuer = '') {
    const isDomain = parseUrl(`https://${text}`)?.hostname === text && isIP(text) === 0 && /^[^.].*\.[^.]+$/.test(text);
    const host = parseUrl(issuer)?.hostname ?? text;
    const isOfIssuer = issuer.startsWith('https:') && (host === text || host.endsWith(`.${text}`));
    return text === '' || (isDomain && isOfIssuer) ? text : undefined;
}
/** The name with its prefix, which follows from issuer and domain. */
function fullCookieName(text, issuer = '', domain = '') {
    const isInsecure = issuer.startsWith('http:');
    const prefix = isInsecure ? '' : domain === '' ? '__Host-' : '__Secure-';
    const [, given = '', base = ''] = /^(__Host-|__Secure-)?(.*)$/s.exec(text) ?? [];
    const isName = /^(?!__)[A-Za-z0-9_-]{1,64}$/.test(base) && base !== 'refresh';
    return isName && (given === '' || isInsecure || given === prefix) ? prefix + base : undefined;
}
