"use strict";
// The pages work without this. With it they are live: parts of the first page are replaced when they have changed, and
// new events of a stream are added to its list. Nothing is asked for while the page can't be seen.

const MOST_ROWS = 200;

function follow(address, said, onopen, kinds) {
  let source = null;
  let last = "";
  function open() {
    const where = new URL(address, document.baseURI);
    if (last && where.searchParams.has("name")) where.searchParams.set("after", last);
    source = new EventSource(where);
    source.onopen = () => onopen(said);
    source.onerror = () => {
      said.textContent = "Connecting again…";
      if (source.readyState === EventSource.CLOSED) setTimeout(() => { if (source) open(); }, 3000);
    };
    for (const [kind, take] of Object.entries(kinds)) {
      source.addEventListener(kind, (event) => { last = event.lastEventId; take(event.data); });
    }
  }
  function close() { source?.close(); source = null; }
  document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else if (!source) open(); });
  addEventListener("pagehide", close);
  if (!document.hidden) open();
}

// The first page. A part in which somebody has the focus, or has opened something, waits until they are done.
const waiting = new Map();
const isInUse = (part) => part.contains(document.activeElement) || part.querySelector("details.sure[open]");
function replace(name, html) {
  const part = document.getElementById(`part-${name}`);
  if (!part) return;
  if (isInUse(part)) { waiting.set(name, html); return; }
  waiting.delete(name);
  const open = [...part.querySelectorAll("details[open]")].map((each) => each.id);
  part.innerHTML = html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
}
function takeParts(data) {
  for (const [name, html] of Object.entries(JSON.parse(data))) replace(name, html);
}
function takeWaiting() {
  for (const [name, html] of [...waiting]) replace(name, html);
}
document.addEventListener("focusout", () => setTimeout(takeWaiting, 0));
document.addEventListener("toggle", () => setTimeout(takeWaiting, 0), true);

const live = document.getElementById("live");
if (live) follow(live.dataset.live, live, (said) => { said.textContent = "Live"; }, { parts: takeParts });

// The page of a stream.
const following = document.getElementById("following");
if (following) {
  const events = document.getElementById("events");
  follow(following.dataset.follow, following, (said) => { said.textContent = "Following live"; }, {
    row(html) {
      events.insertAdjacentHTML("afterbegin", html);
      events.firstElementChild.classList.add("fresh");
      document.getElementById("none")?.remove();
      while (events.children.length > MOST_ROWS) events.lastElementChild.remove();
    },
  });
}
