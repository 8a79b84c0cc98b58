// What all parts of the page share: the data, what is chosen, and small helpers.

const byId = (id) => document.getElementById(id);
const known = (ms) => ms !== null && ms === ms;

let data; // as `page_data.py` writes it
const view = {
  slot: -1, // the one that is looked at, or -1
  color: "status",
  only: null, // {column, value}: which slots are shown, null for all
  from: 0, // the time that is shown, in ms
  to: 1,
};
const drawings = []; // functions that draw anew
const links = { slot: null }; // on a site: makes the address of a slot

function take(found) {
  data = found;
  data.attemptsBefore = new Map(); // slot -> its earlier attempts
  for (const row of data.earlier) {
    if (!data.attemptsBefore.has(row[0])) data.attemptsBefore.set(row[0], []);
    data.attemptsBefore.get(row[0]).push(row);
  }
}

let asked = false;
function draw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    for (const each of drawings) each();
  });
}

function isShown(slot) {
  return !view.only || data[view.only.column][slot] === view.only.value;
}

function firstStart(slot) {
  for (const row of data.attemptsBefore.get(slot) || []) if (known(row[2])) return row[2];
  return data.start[slot];
}

// The end of the last attempt: of one that runs still, when the page was made.
function endOf(slot) {
  if (known(data.end[slot])) return data.end[slot];
  return data.statuses[data.status[slot]] === "running" ? data.span : null;
}

function took(slot) {
  const end = endOf(slot);
  return known(data.start[slot]) && known(end) ? Math.max(end - data.start[slot], 0) : null;
}

function waited(slot) {
  const start = firstStart(slot);
  const until = known(start) ? start : data.end[slot];
  return known(data.wait[slot]) && known(until) ? Math.max(until - data.wait[slot], 0) : null;
}

// As `inspection/durations.py` shows them.
function duration(ms) {
  if (!known(ms)) return "-";
  if (ms < 999.5) return `${+ms.toPrecision(3)}ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000), minutes = Math.floor(seconds / 60);
  if (seconds < 60) return `${seconds}s`;
  if (minutes < 60) return `${minutes}m${seconds % 60 ? `${seconds % 60}s` : ""}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${minutes % 60 ? `${minutes % 60}m` : ""}`;
  return `${Math.floor(hours / 24)}d${hours % 24 ? `${hours % 24}h` : ""}`;
}

function element(name, attributes = {}, ...children) {
  const svg = name === "svg" || name === "rect";
  const made = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Make a canvas as sharp as the screen; returns its context, and its size in pixels of the page.
function prepared(canvas, height) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.width = Math.max(Math.round(width * ratio), 1);
  canvas.height = Math.max(Math.round(height * ratio), 1);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = "11px system-ui, sans-serif";
  return { context, width, height, ratio };
}

// Round times of which some fit into a width.
function ticks(from, to, width) {
  const least = ((to - from) * 90) / width;
  let step = 10 ** Math.floor(Math.log10(Math.max(least, 1e-3)));
  while (step < least) step *= step * 2 >= least ? 2 : step * 5 >= least ? 5 : 10;
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
}
