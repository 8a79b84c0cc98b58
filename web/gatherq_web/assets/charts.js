// Draws what ended over time, and how long it took; it asks for new numbers now and then.

const section = document.getElementById("charts");
const stream = document.getElementById("stream");
const dark = matchMedia("(prefers-color-scheme: dark)");
const HEIGHT = 200;
/** From the bottom of a bar to its top. */
const STATUSES = ["succeeded", "cancelled", "timed_out", "failed", "lost"];
const drawn = new Map();

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const utc = (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC");
const iso = (seconds) => new Date(seconds * 1000).toISOString();
/** The time of day, or the day where a chart is of many. */
const clock = (_, ticks, __, ___, step) => ticks.map((tick) => (step >= 86400 ? iso(tick).slice(5, 10) : iso(tick).slice(11, 16)));
const isDecade = (tick) => Number.isInteger(+Math.log10(tick).toFixed(6));
const decadesOf = (_, ticks) => ticks.map((tick) => (isDecade(tick) ? tick : null));

function duration(seconds) {
  if (seconds == null) return "-";
  if (seconds >= 300) return ">5m";
  if (seconds >= 60) return `${+(seconds / 60).toPrecision(2)}m`;
  return seconds >= 1 ? `${+seconds.toPrecision(3)}s` : `${+(seconds * 1000).toPrecision(3)}ms`;
}

const bound = (tick) => (tick >= 1 ? `${+tick.toFixed(0)}s` : `${+(tick * 1000).toFixed(0)}ms`);

function options(place, more, points) {
  const axis = { stroke: color("soft"), grid: { stroke: color("rule"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width: place.clientWidth, height: HEIGHT, tzDate: utc,
    cursor: { y: false, sync: { key: "charts" }, drag: { x: false }, points },
    ...more(axis),
  };
}

/** Counts on top of one another, the highest first, so that each hides the lower part of the one before. */
function ended(place, data) {
  const shown = STATUSES.filter((status) => data.ended[status].some(Boolean));
  let below = data.times.map(() => 0);
  const stacked = shown.map((status) => (below = data.ended[status].map((count, at) => count + below[at])));
  const bars = uPlot.paths.bars({ size: [0.86, 40], align: 1 });
  const series = shown.map((status) => ({
    label: status.replace("_", " "), fill: color(status), stroke: color(status), width: 0, paths: bars, points: { show: false },
    value: (_, __, ___, at) => (at == null ? "" : data.ended[status][at].toLocaleString("en")),
  }));
  return draw(place, [data.times, ...stacked.reverse()], { show: false }, (axis) => ({
    scales: { x: { range: (_, least, most) => [least, most + data.step] }, y: { range: (_, __, most) => [0, Math.max(most * 1.05, 1)] } },
    axes: [{ ...axis, values: clock }, { ...axis, size: 48, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6] }],
    series: [time(), ...series.reverse()],
  }));
}

/** A point is drawn where no line is: it has no neighbors. */
function alone(chart, series) {
  const values = chart.data[series];
  return [...values.keys()].filter((at) => values[at] != null && values[at - 1] == null && values[at + 1] == null);
}

function took(place, data) {
  const look = { run: { stroke: color("running") }, wait: { stroke: color("cancelled"), dash: [5, 3] } };
  const width = { p50: 1, p95: 1.6, p99: 2.4 };
  const series = Object.keys(data.took).map((label) => {
    const [of, share] = label.split(" ");
    return { label, ...look[of], width: width[share], points: { show: true, size: 4, fill: look[of].stroke, filter: alone }, value: (_, seconds) => duration(seconds) };
  });
  const oldest = { label: "oldest waits now", stroke: color("failed"), width: 1, dash: [2, 3], points: { show: false }, value: (_, seconds) => duration(seconds) };
  const lines = Object.values(data.took);
  if (data.oldest) {
    series.push(oldest);
    lines.push(data.times.map(() => data.oldest));
  }
  return draw(place, [data.times, ...lines], { size: 5 }, (axis) => ({
    scales: { x: { range: (_, least, most) => [least, most + data.step] }, y: { distr: 3, range: (_, least, most) => decades(least, most) } },
    axes: [
      { ...axis, values: clock },
      { ...axis, size: 48, values: (_, ticks) => ticks.map((tick) => (tick == null ? "" : bound(tick))), filter: decadesOf, grid: { ...axis.grid, filter: decadesOf } },
    ],
    series: [time(), ...series],
  }));
}

const decades = (least, most) => [10 ** Math.floor(Math.log10(least ?? 0.001)), 10 ** Math.ceil(Math.log10((most ?? 1) * 1.0001))];
const time = () => ({ label: "at", value: (_, seconds) => (seconds == null ? "" : `${iso(seconds).slice(5, 16).replace("T", " ")} UTC`) });

function draw(place, data, points, more) {
  return new uPlot(options(place, more, points), data, place);
}

const KINDS = { ended, took };

function drawAll() {
  const numbers = section?.querySelector("[data-charts]");
  for (const [place, chart] of drawn) {
    chart.destroy();
    drawn.delete(place);
  }
  if (!numbers) return;
  const data = JSON.parse(numbers.dataset.charts);
  for (const place of numbers.querySelectorAll("[data-chart]")) {
    drawn.set(place, KINDS[place.dataset.chart](place, data));
    place.dataset.drawn = "";
  }
}

/** Take new numbers from the page as it is by now; what is open stays open. */
async function renew() {
  const answer = await fetch(section.dataset.from);
  if (!answer.ok) return;
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("charts");
  if (!found) return;
  const open = section.querySelector("details")?.open;
  for (const chart of drawn.values()) chart.destroy();
  drawn.clear();
  section.replaceChildren(...found.childNodes);
  const numbers = section.querySelector("details");
  if (numbers && open) numbers.open = true;
  drawAll();
}

let last = performance.now();
stream?.addEventListener("changed", () => {
  if (!section || performance.now() - last < section.dataset.pause * 1000) return;
  last = performance.now();
  renew().catch(() => {}); // Redis, or this site, is away: the page says so
});

if (section) {
  drawAll();
  dark.addEventListener("change", drawAll);
  new ResizeObserver(() => {
    for (const [place, chart] of drawn) {
      if (place.clientWidth && place.clientWidth !== chart.width) chart.setSize({ width: place.clientWidth, height: HEIGHT });
    }
  }).observe(section);
}
