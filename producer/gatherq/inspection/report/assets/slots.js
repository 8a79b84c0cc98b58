// Every slot as a cell, in order: an image of one pixel a slot, enlarged.

const LARGEST = 22, SMALLEST = 2, TALLEST = 300;
let grid = { size: 1, columns: 1 };

function gridFor(width, count) {
  let size = LARGEST;
  for (; size > SMALLEST; size--) {
    if (Math.ceil(count / Math.max(Math.floor(width / size), 1)) * size <= TALLEST) break;
  }
  const columns = Math.max(Math.floor(width / size), 1);
  return { size, columns: Math.min(columns, Math.max(count, 1)) };
}

function drawSlots() {
  const canvas = byId("slots"), count = data.status.length;
  grid = gridFor(canvas.clientWidth, count);
  const rows = Math.max(Math.ceil(count / grid.columns), 1);
  const { context } = prepared(canvas, rows * grid.size);
  const colors = coloring();
  context.imageSmoothingEnabled = false;
  context.drawImage(cells(colors, count, rows), 0, 0, grid.columns * grid.size, rows * grid.size);
  if (grid.size > 4) clearGaps(context, rows);
  if (view.slot >= 0) mark(context);
  drawLegend(colors.legend);
}

function cells(colors, count, rows) {
  const made = document.createElement("canvas");
  made.width = grid.columns;
  made.height = rows;
  const context = made.getContext("2d");
  const image = context.createImageData(grid.columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let slot = 0; slot < count; slot++) {
    const color = colors.of(slot);
    pixels[slot] = pixel(isShown(slot) ? color : mixed(color, palette.page, 0.85));
  }
  context.putImageData(image, 0, 0);
  return made;
}

function clearGaps(context, rows) {
  const { size, columns } = grid, gap = size > 9 ? 2 : 1;
  for (let x = 1; x <= columns; x++) context.clearRect(x * size - gap, 0, gap, rows * size);
  for (let y = 1; y <= rows; y++) context.clearRect(0, y * size - gap, columns * size, gap);
}

function mark(context) {
  const { size, columns } = grid, side = Math.max(size, 6);
  const x = (view.slot % columns) * size + (size - side) / 2;
  const y = Math.floor(view.slot / columns) * size + (size - side) / 2;
  context.lineWidth = 2;
  context.strokeStyle = css(palette.ink);
  context.strokeRect(x, y, side - 1, side - 1);
}

function slotAt(event) {
  const column = Math.floor(event.offsetX / grid.size), row = Math.floor(event.offsetY / grid.size);
  const slot = row * grid.columns + column;
  return column < grid.columns && slot < data.status.length ? slot : -1;
}

function nameOf(slot) {
  return `slot ${slot} · ${data.call[slot]} · ${data.statuses[data.status[slot]].replace("_", " ")}`;
}

function listenToSlots() {
  const canvas = byId("slots");
  canvas.addEventListener("click", (event) => choose(slotAt(event)));
  canvas.addEventListener("pointermove", (event) => {
    const slot = slotAt(event);
    canvas.title = slot < 0 ? "" : nameOf(slot);
  });
  canvas.addEventListener("keydown", (event) => {
    const steps = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid.columns, ArrowDown: grid.columns,
      PageUp: -10 * grid.columns, PageDown: 10 * grid.columns,
      Home: -Infinity, End: Infinity,
    };
    if (event.key === "Escape") choose(-1);
    else if (event.key in steps) choose(stepped(steps[event.key]));
    else return;
    event.preventDefault();
  });
}

function stepped(by) {
  if (view.slot < 0 && Number.isFinite(by)) return 0;
  return Math.min(Math.max(view.slot + by, 0), data.status.length - 1);
}
