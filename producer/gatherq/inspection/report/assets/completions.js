// Completions a second, above how many waited; the line is how many ran.

const HIGH = 120;
const largest = (values) => values.reduce((most, value) => Math.max(most, value), 0);

function drawCompletions() {
  const surface = prepared(byId("completions"), HIGH), { context, width } = surface;
  const { step, ended, running, queued } = data.completions;
  const totals = queued.map((_, i) => Object.values(ended).reduce((sum, row) => sum + row[i], 0));
  const most = largest(totals) || 1;
  drawArea(context, queued, step, width);
  const wide = Math.max(xOf(step, width) - xOf(0, width), 1);
  totals.forEach((_, i) => {
    let y = HIGH;
    for (const [status, row] of Object.entries(ended)) {
      const high = (row[i] / most) * (HIGH - 12);
      context.fillStyle = css(palette.statuses[status]);
      context.fillRect(xOf(i * step, width), y - high, Math.max(wide - (wide > 4 ? 1 : 0), 1), high);
      y -= high;
    }
  });
  drawLine(context, running, step, width);
  drawAxis(surface, false);
  const rate = Math.round((most / step) * 1000);
  byId("most").textContent = `most: ${rate.toLocaleString("en")}/s, ${Math.round(largest(running))} running, ${Math.round(largest(queued)).toLocaleString("en")} queued`;
}

function drawArea(context, values, step, width) {
  const most = largest(values) || 1;
  context.fillStyle = css(mixed(palette.card, palette.queued, 0.75));
  values.forEach((value, i) => {
    const high = (value / most) * (HIGH - 12), x = xOf(i * step, width);
    context.fillRect(x, HIGH - high, xOf((i + 1) * step, width) - x, high);
  });
}

function drawLine(context, values, step, width) {
  const most = largest(values) || 1;
  context.strokeStyle = css(palette.ink);
  context.lineWidth = 1.25;
  context.beginPath();
  values.forEach((value, i) => context.lineTo(xOf((i + 0.5) * step, width), HIGH - (value / most) * (HIGH - 12)));
  context.stroke();
}
