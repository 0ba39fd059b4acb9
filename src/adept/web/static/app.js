// What the page gains where script runs: local times, no act twice by a double click, dropping a file.
"use strict";

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone: "UTC" });
const utcDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const away = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

function tellAgo(time) {
  const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  if (Math.abs(seconds) > 60 * 86400) return;
  if (seconds <= 0 && "due" in time.dataset) return say(time, "due now");
  say(time, unit ? away.format(Math.trunc(seconds / unit[1]), unit[0]) : seconds <= 0 ? "just now" : "in a moment");
}

function say(time, told) {
  if (time.textContent !== told) time.textContent = told;  // only what changes: the observer below watches
}

// The time in UTC, with its day where that is another one there.
function inUtc(date) {
  const day = date.getUTCDate() === date.getDate() ? "" : `${utcDay.format(date)}, `;
  return `${day}${clock.format(date)} UTC`;
}

function tellTimes(root) {
  for (const time of root.querySelectorAll("time[data-moment]:not([data-told])")) {
    const date = new Date(time.dateTime);
    const utc = document.createElement("small");
    utc.textContent = ` ${inUtc(date)}`;
    time.title = time.textContent;
    time.replaceChildren(local.format(date), utc);
    time.dataset.told = "";
  }
  for (const time of root.querySelectorAll("time[data-ago]")) {
    time.title = `${local.format(new Date(time.dateTime))} · ${inUtc(new Date(time.dateTime))}`;
    tellAgo(time);
  }
}

// A form is sent once; coming back by the back button lets it be sent again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  if (form.method === "get" || event.defaultPrevented) return;
  form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
});

for (const drop of document.querySelectorAll(".drop")) {
  const input = drop.querySelector("input[type=file]");
  const over = (is) => (event) => { event.preventDefault(); drop.classList.toggle("drop-over", is); };
  drop.addEventListener("dragover", over(true));
  drop.addEventListener("dragleave", over(false));
  drop.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
}

for (const all of document.querySelectorAll("input[data-selects]")) {
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll(`input[name="${all.dataset.selects}"]`)) box.checked = all.checked;
  });
}

tellTimes(document);
setInterval(() => document.querySelectorAll("time[data-ago]").forEach(tellAgo), 30000);
new MutationObserver(() => tellTimes(document)).observe(document.body, { childList: true, subtree: true });

for (const button of document.querySelectorAll("button[data-copies]")) {
  const text = document.getElementById(button.dataset.copies);
  if (!navigator.clipboard) continue; // only where the page came over TLS, or from this machine
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent);
    button.querySelector("span").textContent = "Copied";
  });
}

// What was done is told once: a reload, or a link that is passed on, doesn't tell it again.
const address = new URL(location.href);
if (address.searchParams.has("done")) {
  address.searchParams.delete("done");
  history.replaceState(history.state, "", address);
}

// How many devices are selected, counted as they are ticked; the list's own address keeps those of other pages.
const picked = document.querySelector("[data-picked]");
if (picked) {
  const count = () => {
    const here = document.querySelectorAll("input[name=tick]:checked").length;
    picked.textContent = (Number(picked.dataset.picked) + here).toLocaleString("en");
  };
  document.addEventListener("change", (event) => event.target.name === "tick" && count());
  window.addEventListener("pageshow", count);
}
