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
    const slot = /^\d+$/.test(event.target.value) ? +event.target.value : -1;
    view.slot = slot < data.status.length ? slot : -1;
    showDetail();
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
