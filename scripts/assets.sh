#!/bin/sh
# Fetch what the pages use of others, as package-lock.json names it, and copy the few files that are shipped or tested
# with. They are committed: an installation needs neither npm nor a network.
set -eu
cd "$(dirname "$0")/.."
npm ci --no-progress --loglevel=error
shipped=src/adept/web/static/vendor
tested=tests/browser/vendor
mkdir -p "$shipped" "$tested"
for file in \
  @tabler/core/dist/css/tabler.min.css \
  htmx.org/dist/htmx.min.js \
  htmx.org/dist/ext/hx-sse.min.js \
  swagger-ui-dist/swagger-ui-bundle.js \
  swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt \
  swagger-ui-dist/swagger-ui.css; do
  install -m 644 "node_modules/$file" "$shipped/"
done
install -m 644 node_modules/htmx.org/LICENSE "$shipped/htmx.LICENSE.txt"
install -m 644 node_modules/swagger-ui-dist/LICENSE "$shipped/swagger-ui.LICENSE.txt"
install -m 644 node_modules/axe-core/axe.min.js "$tested/"
git status --short -- "$shipped" "$tested" package-lock.json
