// Every attempt as a bar in a lane of its worker; painted pixel by pixel, since there may be many.

const AXIS = 20, TITLE = 17;
let bars; // arrays of all attempts, lane by lane
let bands; // for each worker: its name, its first row of lanes, and how many it has
let layout = { lane: 1, tops: [] };

function readBars() {
  const count = data.lanes.reduce((sum, [, pairs]) => sum + pairs.length / 2, 0);
  const times = () => new Float64Array(count), numbers = () => new Int32Array(count);
  bars = { slot: numbers(), attempt: numbers(), lane: numbers(), status: numbers(), since: times(), start: times(), end: times() };
  bands = [];
  let i = 0;
  data.lanes.forEach(([worker, pairs], lane) => {
    if (!bands.length || bands[bands.length - 1].worker !== worker) bands.push({ worker, lane, count: 0 });
    bands[bands.length - 1].count++;
    let free = 0;
    for (let at = 0; at < pairs.length; at += 2, i++) {
      readBar(i, pairs[at], pairs[at + 1], lane, free);
      free = bars.end[i];
    }
  });
}

function readBar(i, slot, attempt, lane, free) {
  const before = data.attemptsBefore.get(slot) || [];
  const [start, end, status] = attempt
    ? before[attempt - 1].slice(2)
    : [data.start[slot], endOf(slot), data.status[slot]];
  const earlier = before[(attempt || before.length + 1) - 2];
  const since = earlier ? earlier[3] : data.wait[slot];
  bars.slot[i] = slot;
  bars.attempt[i] = attempt;
  bars.lane[i] = lane;
  bars.status[i] = status;
  bars.start[i] = start;
  bars.end[i] = Math.max(start, known(end) ? end : start);
  bars.since[i] = known(since) ? Math.max(since, free) : start;
}

function layOut() {
  const count = data.lanes.length || 1;
  const lane = Math.max(Math.min(Math.floor(360 / count), 12), 1);
  let y = AXIS;
  const tops = bands.map((band) => {
    const top = y + TITLE;
    y = top + band.count * lane + 5;
    return top;
  });
  layout = { lane, tops, height: Math.max(y, AXIS + 24) };
}

const topOf = (lane) => {
  let band = 0;
  while (band + 1 < bands.length && bands[band + 1].lane <= lane) band++;
  return layout.tops[band] + (lane - bands[band].lane) * layout.lane;
};

function drawTimeline() {
  layOut();
  const canvas = byId("timeline");
  const surface = prepared(canvas, layout.height);
  const image = surface.context.createImageData(canvas.width, canvas.height);
  paint(new Uint32Array(image.data.buffer), canvas.width, surface.ratio);
  surface.context.putImageData(image, 0, 0);
  drawAxis(surface, true);
  drawTitles(surface);
  if (view.slot >= 0) markBars(surface);
  if (drag.to !== null) drawRange(surface);
  byId("whole").disabled = !zoomed();
}

function paint(pixels, width, ratio) {
  const scale = width / (view.to - view.from), colors = coloring();
  const thick = Math.max(Math.round((layout.lane > 3 ? layout.lane - 1 : layout.lane) * ratio), 1);
  const waits = pixel(mixed(palette.card, palette.queued, 0.75));
  let lane = -1, top = 0;
  for (let i = 0; i < bars.slot.length; i++) {
    if (bars.lane[i] !== lane) {
      lane = bars.lane[i];
      top = Math.round(topOf(lane) * ratio);
    }
    const start = Math.floor((bars.start[i] - view.from) * scale);
    const end = Math.max(Math.ceil((bars.end[i] - view.from) * scale - 0.25), start + 1);
    const since = Math.ceil((bars.since[i] - view.from) * scale);
    fill(pixels, width, top, thick, since, start, waits);
    fill(pixels, width, top, thick, start, end, pixel(barColor(i, colors)));
  }
}

function barColor(i, colors) {
  const slot = bars.slot[i];
  const color = bars.attempt[i]
    ? mixed(palette.statuses[bars.status[i]], palette.card, 0.5)
    : colors.of(slot);
  return isShown(slot) ? color : mixed(color, palette.card, 0.85);
}

function fill(pixels, width, top, thick, from, to, color) {
  const first = Math.max(from, 0), last = Math.min(to, width);
  if (first >= last) return;
  for (let y = top; y < top + thick; y++) pixels.fill(color, y * width + first, y * width + last);
}

const xOf = (ms, width) => ((ms - view.from) / (view.to - view.from)) * width;

function drawAxis({ context, width, height }, labels) {
  context.fillStyle = css(palette.soft);
  context.strokeStyle = css(palette.rule);
  context.lineWidth = 1;
  context.globalAlpha = 0.7;
  for (const at of ticks(view.from, view.to, width)) {
    const x = Math.round(xOf(at, width)) + 0.5;
    context.beginPath();
    context.moveTo(x, labels ? AXIS - 5 : 0);
    context.lineTo(x, height);
    context.stroke();
  }
  context.globalAlpha = 1;
  for (const at of labels ? ticks(view.from, view.to, width) : []) {
    const said = axisTime(at), x = xOf(at, width) + 4;
    if (x + context.measureText(said).width < width) context.fillText(said, x, 12);
  }
}

// With as many digits as tell one tick from the next.
function axisTime(ms) {
  if (!ms) return "0";
  return view.to < 1000 ? duration(ms) : ms < 60000 ? `${+(ms / 1000).toFixed(6)}s` : duration(ms);
}

function drawTitles({ context, width }) {
  context.fillStyle = css(palette.ink);
  bands.forEach((band, i) => {
    const lanes = `${band.count} at a time`;
    context.fillText(`${data.workers[band.worker]}  ·  ${lanes}`, 6, layout.tops[i] - 5, width - 12);
  });
}

function markBars({ context, width }) {
  context.strokeStyle = css(palette.ink);
  context.lineWidth = 2;
  for (let i = 0; i < bars.slot.length; i++) {
    if (bars.slot[i] !== view.slot) continue;
    const x = xOf(bars.start[i], width), y = topOf(bars.lane[i]);
    const wide = Math.max(xOf(bars.end[i], width) - x, 3);
    context.strokeRect(x - 1, y - 1.5, wide + 2, Math.max(layout.lane, 3) + 2);
  }
}

const drag = { from: 0, to: null }; // pixels of the page

function drawRange({ context, height }) {
  context.fillStyle = css(palette.accent);
  context.globalAlpha = 0.18;
  context.fillRect(Math.min(drag.from, drag.to), 0, Math.abs(drag.to - drag.from), height);
  context.globalAlpha = 1;
}

const zoomed = () => view.from > 0 || view.to < data.span;

function show(from, to) {
  const least = Math.max(data.span / 1e6, 0.01), wide = Math.min(Math.max(to - from, least), data.span);
  view.from = Math.min(Math.max(from, 0), data.span - wide);
  view.to = view.from + wide;
  draw();
}

function barAt(event) {
  const at = view.from + (event.offsetX / event.target.clientWidth) * (view.to - view.from);
  const close = ((view.to - view.from) / event.target.clientWidth) * 2;
  for (let i = 0; i < bars.slot.length; i++) {
    const y = topOf(bars.lane[i]);
    if (event.offsetY < y || event.offsetY >= y + layout.lane) continue;
    if (at >= bars.start[i] - close && at <= bars.end[i] + close) return bars.slot[i];
  }
  return -1;
}

function listenToTimeline() {
  const canvas = byId("timeline");
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    drag.from = event.offsetX;
    drag.to = event.offsetX;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag.to === null) return;
    drag.to = event.offsetX;
    draw();
  });
  canvas.addEventListener("pointercancel", () => (drag.to = null));
  canvas.addEventListener("pointerup", (event) => {
    const width = canvas.clientWidth, [a, b] = [drag.from, event.offsetX].sort((x, y) => x - y);
    drag.to = null;
    if (b - a < 5) return choose(barAt(event));
    const at = (x) => view.from + (x / width) * (view.to - view.from);
    show(at(a), at(b));
  });
  canvas.addEventListener("dblclick", () => show(0, data.span));
  byId("whole").addEventListener("click", () => show(0, data.span));
  canvas.addEventListener("keydown", (event) => {
    const wide = view.to - view.from, middle = (view.from + view.to) / 2;
    const shown = {
      ArrowLeft: () => show(view.from - wide / 4, view.to - wide / 4),
      ArrowRight: () => show(view.from + wide / 4, view.to + wide / 4),
      "+": () => show(middle - wide / 4, middle + wide / 4),
      "-": () => show(middle - wide, middle + wide),
      0: () => show(0, data.span),
      Escape: () => choose(-1),
    }[event.key];
    if (!shown) return;
    shown();
    event.preventDefault();
  });
}
