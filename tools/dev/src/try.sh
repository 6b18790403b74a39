#!/bin/sh
# Written by `cargo dev` at each start. Signs in, calls the application, refreshes, signs out, and shows that the access
# token is rejected immediately.
set -eu

AUTH='@AUTH@'
API='@API@'
@TRUST@
CREDENTIALS='{"email": "@EMAIL@", "password": "@PASSWORD@"}'

# request STATUS METHOD URL [CURL OPTIONS]: sets STATUS and BODY, and stops unless the status is the expected one.
request() {
    expected=$1 method=$2 url=$3
    shift 3
    answer=$(curl -sS -w '\n%{http_code}' -X "$method" "$url" "$@")
    STATUS=${answer##*
}
    BODY=${answer%
*}
    [ "$expected" = any ] || [ "$STATUS" = "$expected" ] || {
        printf '%s %s answered %s, not %s: %s\n' "$method" "$url" "$STATUS" "$expected" "$BODY" >&2
        exit 1
    }
}

# token NAME: the member of that name in BODY.
token() {
    printf '%s' "$BODY" | sed 's/.*"'"$1"'":"\([^"]*\)".*/\1/'
}

step() {
    printf '\n%s\n' "$1"
}

step '1. Sign in as @EMAIL@ (POST /login).'
request 200 POST "$AUTH/login" -H 'Content-Type: application/json' -d "$CREDENTIALS"
ACCESS=$(token access_token)
REFRESH=$(token refresh_token)
echo "   $STATUS: an access token of ${#ACCESS} characters, and a refresh token."

step '2. Call api-server with the access token (GET /me).'
request 200 GET "$API/me" -H "Authorization: Bearer $ACCESS"
echo "   $STATUS: $BODY"

step '3. Refresh: the refresh token is replaced by a new one (POST /token).'
request 200 POST "$AUTH/token" -H 'Content-Type: application/json' -d "{\"refresh_token\": \"$REFRESH\"}"
ACCESS=$(token access_token)
NEW=$(token refresh_token)
[ "$NEW" != "$REFRESH" ]
echo "   $STATUS: a new access token and a new refresh token."

step '4. The new access token works too (GET /me).'
request 200 GET "$API/me" -H "Authorization: Bearer $ACCESS"
echo "   $STATUS"

step '5. Sign out: the session is deleted (DELETE /logout).'
request 204 DELETE "$AUTH/logout" -H 'Content-Type: application/json' -d "{\"refresh_token\": \"$NEW\"}"
echo "   $STATUS"

step '6. The same access token has not expired, but is rejected immediately (GET /me).'
tries=0
while
    request any GET "$API/me" -H "Authorization: Bearer $ACCESS"
    tries=$((tries + 1))
    [ "$STATUS" = 200 ] && [ "$tries" -lt 100 ]
do :; done
[ "$STATUS" = 401 ] || { echo "   $STATUS, not 401: $BODY" >&2; exit 1; }
echo "   $STATUS: $BODY"

step '7. The refresh token is rejected as well (POST /token).'
request 400 POST "$AUTH/token" -H 'Content-Type: application/json' -d "{\"refresh_token\": \"$NEW\"}"
echo "   $STATUS: $BODY"
