// Parts that change by themselves. Where they cannot, the page says so until they do again.
"use strict";

const LIVE = "[hx-sse\\:connect], [hx-trigger^='every']";
const LONGEST_WAIT_MS = 10_000;
const STILL = "This page does not change by itself for now";
const line = document.getElementById("trouble");
const begun = new WeakSet(); // parts that asked for their news
const open = new WeakSet(); // parts that are being told them
let failures = 0;

function tell(text) {
  if (line.textContent !== text) line.textContent = text;
  line.hidden = !text;
}

// The server's own words, where it has some.
function refusal(ctx) {
  const page = new DOMParser().parseFromString(ctx.text || "", "text/html");
  const said = page.querySelector("main > p")?.textContent.trim();
  return `The server could not do that (${ctx.response.status}). ${said || "Load the page again."}`;
}

function again(part) {
  open.delete(part);
  if (failures > 0) tell(`${STILL}: the server does not answer, or too many windows are open. It is asked again.`);
  const wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures++) * (0.7 + 0.6 * Math.random());
  setTimeout(() => whenSeen(() => htmx.ajax("GET", part.getAttribute("hx-sse:connect"), { source: part })), wait);
}

// A tab that nobody sees takes no connection from those that are seen: a browser has six for one server.
function whenSeen(act) {
  if (!document.hidden) return act();
  document.addEventListener("visibilitychange", () => whenSeen(act), { once: true });
}

document.addEventListener("htmx:before:request", (event) => {
  begun.add(event.target);
  if (document.hidden && event.target.hasAttribute("hx-sse:connect")) event.preventDefault();
});
document.addEventListener("htmx:sse:after:connection", (event) => open.add(event.target));
document.addEventListener("htmx:sse:after:message", () => { failures = 0; tell(""); });
document.addEventListener("htmx:sse:close", (event) => { if (event.detail.reason === "ended") again(event.target); });
document.addEventListener("htmx:finally:request", (event) => {
  const { target, detail } = event;
  const leaves = detail.ctx.hx?.redirect || detail.ctx.hx?.refresh;
  if (target.hasAttribute?.("hx-sse:connect") && !open.has(target) && !leaves) again(target);
});

// Whatever else is sent in the background, such as a star or words to search for.
const isStream = (event) => event.target.hasAttribute?.("hx-sse:connect");
document.addEventListener("htmx:response:error", (event) => { if (!isStream(event)) tell(refusal(event.detail.ctx)); });
document.addEventListener("htmx:error", (event) => {
  if (!isStream(event)) tell(`${event.target.matches?.(LIVE) ? STILL : "That was not done"}: the server does not answer.`);
});
document.addEventListener("htmx:after:request", (event) => {
  if (!isStream(event) && event.detail.ctx.response.status < 400) tell("");
});

// A script that could not be loaded says nothing itself.
addEventListener("load", () => setTimeout(() => {
  const parts = [...document.querySelectorAll(LIVE)];
  if (parts.some((part) => !begun.has(part))) tell(`${STILL}: a file of it could not be loaded. Load it again.`);
}, 3_000));
