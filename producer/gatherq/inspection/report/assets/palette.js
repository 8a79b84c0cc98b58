// Colors: those of the style sheet, so that they follow dark and light.

const CATEGORIES = [
  [78, 121, 167], [242, 142, 43], [89, 161, 79], [176, 122, 161], [225, 87, 89],
  [118, 183, 178], [237, 201, 72], [156, 117, 95], [255, 157, 167], [134, 148, 166],
];
let palette;

function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const canvas = document.createElement("canvas").getContext("2d");
  const color = (name) => {
    canvas.fillStyle = style.getPropertyValue(`--${name}`).trim();
    return [1, 3, 5].map((at) => parseInt(canvas.fillStyle.slice(at, at + 2), 16));
  };
  palette = { statuses: data.statuses.map(color) };
  for (const name of ["page", "card", "ink", "soft", "rule", "accent", "low", "high", "empty", "queued"]) {
    palette[name] = color(name);
  }
}

const mixed = (a, b, share) => a.map((value, i) => Math.round(value + (b[i] - value) * share));
const css = (color) => `rgb(${color.join(" ")})`;
// As a pixel of ImageData on machines whose numbers begin with their lowest byte: all of today's.
const pixel = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

const MEASURES = {
  took: { of: took, show: duration },
  waited: { of: waited, show: duration },
  attempts: { of: (slot) => data.attempts[slot], show: (count) => `${count}` },
};
const TABLES = {
  worker: () => data.workers,
  job: () => data.jobs,
  group: () => data.groups.map((group) => group.signature),
};

// What the chosen coloring is: the color of a slot, and the entries of its legend.
function coloring() {
  if (view.color in MEASURES) return byMeasure(MEASURES[view.color]);
  if (view.color in TABLES) return byTable(view.color, TABLES[view.color]());
  return {
    of: (slot) => palette.statuses[data.status[slot]],
    legend: data.statuses
      .map((name, i) => [palette.statuses[i], name.replace("_", " "), i])
      .filter(([, , i]) => data.status.includes(i)),
  };
}

function byMeasure({ of, show }) {
  let least = Infinity, most = 0;
  for (let slot = 0; slot < data.status.length; slot++) {
    const value = of(slot);
    if (known(value)) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
  }
  if (least > most) return { of: () => palette.empty, legend: [[palette.empty, "not known"]] };
  const scale = (value) => Math.log1p(value - least) / Math.log1p(most - least || 1);
  const legend = [[palette.low, show(least)]];
  if (most > least) legend.push([palette.high, show(most)]);
  return {
    of: (slot) => (known(of(slot)) ? mixed(palette.low, palette.high, scale(of(slot))) : palette.empty),
    legend,
  };
}

function byTable(column, names) {
  const color = (number) => (number < 0 ? palette.empty : CATEGORIES[number % CATEGORIES.length]);
  const legend = names.slice(0, 8).map((name, number) => [color(number), name]);
  if (names.length > 8) legend.push([palette.empty, `${names.length - 8} more, in the same colors`]);
  return { of: (slot) => color(data[column][slot]), legend };
}

function drawLegend(entries) {
  byId("legend").replaceChildren(
    ...entries.map(([color, text]) => {
      const mark = element("i", { class: "mark" });
      mark.style.background = css(color);
      return element("span", {}, mark, text);
    }),
  );
}
