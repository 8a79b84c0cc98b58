// The page begins here: the drawings, and what is chosen in them.

function choose(slot) {
  view.slot = slot;
  byId("slot").value = slot < 0 ? "" : slot;
  showDetail();
  draw();
}

// Show the slots of one status or error group alone; all again, if that is what is shown.
function showOnly(pressed, column, value) {
  const was = pressed.getAttribute("aria-pressed") === "true";
  for (const each of document.querySelectorAll("[aria-pressed]")) each.setAttribute("aria-pressed", "false");
  pressed.setAttribute("aria-pressed", String(!was));
  view.only = was ? null : { column, value };
  if (!was) choose(data[column].indexOf(value));
  draw();
}

function listen() {
  listenToSlots();
  listenToTimeline();
  byId("color").addEventListener("change", (event) => {
    view.color = event.target.value;
    draw();
  });
  byId("find").addEventListener("submit", (event) => event.preventDefault());
  byId("slot").addEventListener("input", (event) => {
    const slot = /^\d+$/.test(event.target.value) ? +event.target.value : -1;
    view.slot = slot < data.status.length ? slot : -1;
    showDetail();
    draw();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, select")) return;
    byId("slot").focus();
    byId("slot").select();
    event.preventDefault();
  });
  for (const each of document.querySelectorAll("[data-status]")) {
    each.addEventListener("click", () => showOnly(each, "status", data.statuses.indexOf(each.dataset.status)));
  }
  for (const each of document.querySelectorAll("[data-group]")) {
    each.addEventListener("click", () => showOnly(each, "group", +each.dataset.group));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readPalette();
    draw();
  });
  new ResizeObserver(draw).observe(document.body);
}

async function main() {
  try {
    await readData();
  } catch (error) {
    byId("old").hidden = false; // no DecompressionStream
    for (const each of document.querySelectorAll(".drawn")) each.hidden = true;
    return;
  }
  view.to = data.span;
  readPalette();
  readBars();
  drawings.push(drawSlots, drawTimeline, drawCompletions);
  listen();
  draw();
  requestAnimationFrame(() => (document.body.dataset.drawn = Math.round(performance.now())));
}

main();
