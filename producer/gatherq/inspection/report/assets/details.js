// One slot: its call, its phases, and its value or error. Texts are set as text, never as HTML.

function showDetail() {
  const slot = view.slot, place = byId("detail");
  if (slot < 0) return place.replaceChildren();
  const status = data.statuses[data.status[slot]];
  const head = element(
    "header", {},
    element("i", { class: `mark ${status}` }),
    element("code", {}, data.call[slot]),
    element("span", {}, `slot ${slot} · ${status.replace("_", " ")}${attemptOf(slot)}`),
    element("span", { class: "go" }, button("‹", "previous slot", -1), button("›", "next slot", 1)),
  );
  place.replaceChildren(head, phases(slot), ...texts(slot));
}

function attemptOf(slot) {
  const count = data.attempts[slot], worker = data.workers[data.worker[slot]];
  return (count > 1 ? ` · attempt ${count}` : "") + (worker ? ` · ${worker}` : "");
}

// Leads to the next slot of those that are shown.
function button(sign, label, by) {
  const made = element("button", { type: "button", "aria-label": label, title: label }, sign);
  made.addEventListener("click", () => {
    let slot = view.slot + by;
    while (slot >= 0 && slot < data.status.length && !isShown(slot)) slot += by;
    if (slot >= 0 && slot < data.status.length) {
      choose(slot);
      byId("detail").querySelector(`[aria-label="${label}"]`).focus();
    }
  });
  return made;
}

function phases(slot) {
  const before = data.attemptsBefore.get(slot) || [];
  const rows = before.map(([, worker, start, end, status]) => [start, end, data.statuses[status], data.workers[worker] || ""]);
  if (known(data.start[slot])) {
    rows.push([data.start[slot], endOf(slot), data.statuses[data.status[slot]], data.workers[data.worker[slot]] || ""]);
  }
  const found = [];
  let since = data.wait[slot];
  rows.forEach(([start, end, status, worker], i) => {
    found.push([i ? "waits again" : "queued", since, start, "waits", ""]);
    const run = rows.length > 1 ? `run ${i + 1}` : "run";
    found.push([run, start, end, status, `${status.replace("_", " ")} on ${worker || "?"}`]);
    since = end;
  });
  if (!known(data.start[slot])) {
    const end = known(data.end[slot]) ? data.end[slot] : data.span;
    found.push([before.length ? "waits again" : "queued", since, end, "waits", ""]);
  }
  const shown = found.filter(([, from, to]) => known(from) && known(to));
  return element("div", { class: "phases" }, ...shown.flatMap((phase) => phaseRow(phase, shown)));
}

function phaseRow([name, from, to, kind, said], all) {
  const first = all[0][1], wide = Math.max(all[all.length - 1][2] - first, 1);
  const bar = element("svg", { viewBox: "0 0 1000 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  const width = Math.max((1000 * (to - from)) / wide, 4);
  const x = Math.min((1000 * (from - first)) / wide, 1000 - width);
  bar.append(element("rect", { class: kind, x, width, height: 10 }));
  return [
    element("span", {}, name),
    bar,
    element("b", {}, duration(Math.max(to - from, 0)), element("span", {}, said && ` ${said}`)),
  ];
}

function texts(slot) {
  const made = [];
  if (data.said[slot]) made.push(element("pre", {}, data.said[slot]));
  const group = data.groups[data.group[slot]];
  if (group) {
    const others = data.group.reduce((sum, each) => sum + (each === data.group[slot]), 0) - 1;
    made.push(element("p", { class: "hint" }, `error group ${group.signature}, with ${others.toLocaleString("en")} others: ${group.text}`));
    if (group.traceback) {
      const whose = group.slot === slot ? "traceback" : `traceback of slot ${group.slot}, the first of this group`;
      made.push(element("details", {}, element("summary", {}, whose), element("pre", {}, group.traceback)));
    }
  }
  const full = links.slot
    ? element("a", { href: links.slot(slot) }, `slot ${slot}`)
    : element("code", {}, `gatherq outcomes ${data.batch}:${slot} --json`);
  made.push(element("p", { class: "hint" }, "in full: ", full));
  return made;
}
