// What is chosen in the drawings, and how they begin.

function choose(slot) {
  view.slot = slot;
  byId("slot").value = slot < 0 ? "" : slot;
  showDetail();
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
    const asked = event.target.value.trim();
    const slot = /^\d+$/.test(asked) ? +asked : -1;
    view.slot = slot < data.status.length ? slot : -1;
    showDetail();
    if (asked && view.slot < 0) byId("detail").textContent = `There are slots 0 to ${data.status.length - 1}.`;
    draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readPalette();
    draw();
  });
  new ResizeObserver(draw).observe(document.body);
}

// Draw for the first time, and at each change from now on.
function begin() {
  view.to = data.span;
  readPalette();
  readBars();
  drawings.push(drawSlots, drawTimeline, drawCompletions);
  listen();
  draw();
  requestAnimationFrame(() => (document.body.dataset.drawn = Math.round(performance.now())));
}
