// What every page does by script: it says what is away, and lets "/" lead to the filter.

const away = document.getElementById("away");
const stream = document.getElementById("stream");
const said = new Map(); // what is away -> what is said of it

// What was done is said once: not again after a reload.
const address = new URL(location);
if (address.searchParams.has("did")) {
  for (const name of ["did", "slots"]) address.searchParams.delete(name);
  history.replaceState(history.state, "", address);
}

function say(what, text) {
  if (text) said.set(what, text);
  else said.delete(what);
  const shown = [...said.values()].join(" ");
  if (away.textContent !== shown) away.textContent = shown;
  away.hidden = !shown;
}

stream?.addEventListener("away", (event) => say("redis", event.detail.data));
stream?.addEventListener("back", () => say("redis", ""));
stream?.addEventListener("gone", (event) => say("subject", event.detail.data));
document.addEventListener("htmx:response:error", (event) => {
  if (event.detail.ctx.response.status !== 404 || said.size) return;
  say("subject", "It is not there any more: what is shown is of earlier.");
});
stream?.addEventListener("htmx:sse:error", () => {
  if (said.has("server")) return;
  const time = new Date().toLocaleTimeString();
  say("server", `No contact with the server of this page since ${time}: what is shown is of earlier.`);
});
stream?.addEventListener("htmx:sse:after:connection", () => say("server", ""));

// "/" leads to the box for a slot where slots are drawn, for it says so; else to the filter.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input, select, textarea")) return;
  const box = document.getElementById("slot") ?? document.getElementById("q");
  if (!box) return;
  box.focus();
  box.select();
  event.preventDefault();
});
