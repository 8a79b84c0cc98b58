// What every page does by script: it says when Redis is away, and lets "/" lead to the filter.

const away = document.getElementById("away");
const stream = document.getElementById("stream");

stream?.addEventListener("away", (event) => {
  away.textContent = event.detail.data;
  away.hidden = false;
});
stream?.addEventListener("gone", (event) => {
  away.textContent = event.detail.data;
  away.hidden = false;
});
document.addEventListener("htmx:response:error", (event) => {
  if (event.detail.ctx.response.status !== 404 || !away.hidden) return;
  away.textContent = "It is not there any more: what is shown is of earlier.";
  away.hidden = false;
});
stream?.addEventListener("back", () => (away.hidden = true));

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input, select, textarea")) return;
  const filter = document.getElementById("q");
  if (!filter) return;
  filter.focus();
  filter.select();
  event.preventDefault();
});
