#!/bin/sh
# A token, calls with it, and its renewal, with nothing but curl:
#
#   sh recipe.sh call    one call
#   sh recipe.sh job     a scheduled job: one batch, and a status for the scheduler
#   sh recipe.sh sync    a data sync: page after page with one token
#
# TOKEN_URL, API_URL, CLIENT_ID, CLIENT_SECRET and, where it is needed, SCOPE come
# from the environment. Neither secret nor token appears in the list of processes or
# in a file.
set -eu

stop() { echo "recipe: $1" >&2; exit 1; }   # a person has to mend something
later() { echo "recipe: $1" >&2; exit 75; } # EX_TEMPFAIL: the scheduler comes back

newline='
'
token=
renew_at=0

# split takes apart what -w '\n%{http_code}' put together.
split() { status=${answer##*"$newline"} body=${answer%"$newline"*}; }

# member prints a member of a JSON object; jq -r .NAME does it properly.
member() { printf '%s\n' "$body" | sed -n "s/.*\"$1\" *: *\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1; }

new_token() {
	answer=$(printf %s "$CLIENT_SECRET" | curl -sS --max-time 10 -w '\n%{http_code}' \
		-d grant_type=client_credentials --data-urlencode "client_id=$CLIENT_ID" --data-urlencode client_secret@- \
		${SCOPE:+--data-urlencode "scope=$SCOPE"} "$TOKEN_URL") || later "the token endpoint does not answer"
	split
	case $status in
	200) ;;
	429 | 5??) later "the token endpoint is busy ($status)" ;;
	*) stop "no token: status $status, $(member error): $(member error_description)" ;;
	esac
	token=$(member access_token)
	[ -n "$token" ] || stop "no token in the answer of $TOKEN_URL"
	lives=$(member expires_in)
	lives=${lives%%.*} # some send a fraction, or null
	case $lives in '' | *[!0-9]*) lives=300 ;; esac
	renew_at=$(($(date +%s) + lives * 4 / 5))
}

# api METHOD PATH [JSON] makes a call and leaves its answer in body.
api() {
	[ "$(date +%s)" -lt "$renew_at" ] || new_token
	send "$@"
	if [ "$status" = 401 ]; then # the token is bad: another one, once. A 403 is not about the token
		new_token
		send "$@"
	fi
	case $status in
	2??) ;;
	429 | 5??) later "the API is busy ($status)" ;;
	*) stop "$1 $2: status $status" ;;
	esac
}

send() {
	answer=$(printf 'Authorization: Bearer %s' "$token" | curl -sS --max-time 30 -w '\n%{http_code}' -H @- -X "$1" \
		${3:+-H 'Content-Type: application/json' -d "$3"} "$API_URL$2") || later "the API does not answer"
	split
}

case ${1:-} in
call)
	api GET '/moves?limit=1'
	printf '%s\n' "$body"
	;;
job)
	api POST /biometrics "{\"account_id\":\"account-001\",\"measured_on\":\"$(date +%F)\",\"weight_kg\":70.5}"
	echo "stored $(member id)"
	;;
sync)
	offset=0 total=1
	while [ "$offset" -lt "$total" ]; do
		api GET "/moves?limit=50&offset=$offset"
		printf '%s\n' "$body"
		total=$(member total) offset=$((offset + 50))
	done
	;;
*) stop "say call, job or sync" ;;
esac
