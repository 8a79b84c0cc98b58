// The page of a batch: fetches its columns, and again when it has changed, and draws them.

const LEAST = 3000; // ms between two reads, or ten times what one takes
let drawn = "", reading = false, due = 0, timer = 0;

links.slot = (slot) => {
  const address = new URL(byId("columns").dataset.slot, location.href);
  address.pathname = address.pathname.replace(/0$/, slot);
  return address.href;
};

async function refresh() {
  const place = byId("columns");
  if (reading || document.hidden || !place || place.dataset.version === drawn) return;
  clearTimeout(timer);
  const now = performance.now();
  if (now < due) {
    timer = setTimeout(refresh, due - now);
    return;
  }
  reading = true;
  byId("reading").hidden = Boolean(data); // later ones come unnoticed
  await read(place.dataset.href, place.dataset.version);
  reading = false;
  due = performance.now() + Math.max(LEAST, 10 * (performance.now() - now));
  refresh();
}

async function read(address, version) {
  try {
    const answer = await fetch(address, { headers: { accept: "application/json" } });
    if (answer.ok) redraw(await answer.json());
    drawn = answer.ok || answer.status < 500 ? version : drawn;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // no network: it is tried again
  }
}

function redraw(found) {
  byId("reading").hidden = true;
  const first = !data, whole = first || !zoomed();
  const before = first || view.slot < 0 ? null : data.status[view.slot];
  take(found);
  showRunTimes();
  if (first) {
    byId("drawings").hidden = false;
    begin();
    return;
  }
  readPalette();
  readBars();
  if (whole) [view.from, view.to] = [0, data.span];
  if (before !== null && before !== data.status[view.slot]) showDetail();
  draw();
}

function showRunTimes() {
  const cell = (text) => element("td", { class: "number" }, text);
  byId("run-times").replaceChildren(
    ...data.runTimes.map(([job, slots, ...rest]) => {
      const retries = rest.pop();
      const name = element("th", { scope: "row" }, job);
      return element("tr", {}, name, cell(slots.toLocaleString("en")), ...rest.map((ms) => cell(duration(ms))), cell(retries.toLocaleString("en")));
    }),
  );
}

document.addEventListener("htmx:after:swap", refresh);
document.addEventListener("visibilitychange", refresh);
refresh();
