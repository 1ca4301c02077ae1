#!/bin/sh
# Starts the service, has a request signed over HTTP, and sends it to an API that checks signatures.
# With `cargo run -q -p local-aws --` before it, that API is on this machine.
set -eu

url="$AWS_ENDPOINT_URL/prod/orders?limit=2"
folder=$(mktemp -d)
# Looked into at once, perhaps before the service is there to write.
: > "$folder/log"
cargo run -q -p sign-function -- --listen 127.0.0.1:0 > "$folder/log" 2>&1 &
service=$!
trap 'kill "$service"; rm -r "$folder"' EXIT
until grep -q '^listening on ' "$folder/log"; do
  kill -0 "$service"
  sleep 0.1
done
signer=$(sed -n 's/^listening on //p' "$folder/log")

send() {
  curl -s -w ' %{http_code}\n' "$@"
}

echo "the API, without a signature:"
send "$url"

echo "the service:"
send "$signer/sign" -H 'content-type: application/json' -o "$folder/answer" -d '{
  "method": "GET", "url": "'"$url"'", "service": "execute-api", "region": "us-east-1"}'
# The list of names and values, as lines for curl.
sed 's/.*"headers":\[\[//; s/\]\],.*//; s/\],\[/|/g' "$folder/answer" | tr '|' '\n' |
  sed 's/^"\(.*\)","\(.*\)"$/header = "\1: \2"/' > "$folder/headers"

echo "the API, with the headers that it answered:"
send "$url" -K "$folder/headers"

echo "the service, asked for a host that is not AWS's:"
send "$signer/sign" -H 'content-type: application/json' -d '{
  "method": "GET", "url": "https://example.com/", "service": "execute-api", "region": "us-east-1"}'
