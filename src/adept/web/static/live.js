// Parts that stay up to date, beside what the SSE extension does: a first try that fails is made again, a window in the
// background holds no connection (browsers have six for an address), and what is no longer up to date says so.
"use strict";

const AGAIN_S = 3;
const connected = new WeakSet();
const trying = new WeakSet();
const notices = { away: document.getElementById("live-away"), ended: document.getElementById("live-ended") };
const parts = () => document.querySelectorAll("[hx-sse\\:connect]");

function connect() {
  if (document.hidden) return;
  for (const part of parts()) {
    if (connected.has(part) || trying.has(part)) continue;
    trying.add(part);
    htmx.trigger(part, "live");
  }
}

function tell(notice) {
  for (const one of Object.values(notices)) one.hidden = one !== notice;
}

function failed(status) {
  tell(status === 401 ? notices.ended : notices.away);
  if (status !== 401) setTimeout(connect, AGAIN_S * 1000);
}

document.addEventListener("htmx:sse:after:connection", (event) => {
  connected.add(event.target);
  tell(null);
});
document.addEventListener("htmx:sse:close", (event) => connected.delete(event.target));
document.addEventListener("htmx:sse:error", (event) => tell(event.detail.status === 401 ? notices.ended : notices.away));
document.addEventListener("htmx:finally:request", (event) => {
  if (!trying.delete(event.target) || connected.has(event.target)) return;
  failed(event.detail.ctx.response?.raw.status);
});
document.addEventListener("visibilitychange", connect);
document.addEventListener("htmx:after:process", connect);
