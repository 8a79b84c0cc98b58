// The file begins here: its data is packed in a block of it.

async function readData() {
  const text = atob(byId("data").textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  take(await new Response(plain).json());
}

// Show the slots of one status or error group alone; all again, if that is what is shown.
function showOnly(pressed, column, value) {
  const was = pressed.getAttribute("aria-pressed") === "true";
  for (const each of document.querySelectorAll("[aria-pressed]")) each.setAttribute("aria-pressed", "false");
  pressed.setAttribute("aria-pressed", String(!was));
  view.only = was ? null : { column, value };
  if (!was) choose(data[column].indexOf(value));
  draw();
}

function listenToFile() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, select")) return;
    byId("slot").focus();
    byId("slot").select();
    event.preventDefault();
  });
  for (const each of document.querySelectorAll("[data-status]")) {
    each.addEventListener("click", () => showOnly(each, "status", data.statuses.indexOf(each.dataset.status)));
  }
  for (const each of document.querySelectorAll("[data-group]")) {
    each.addEventListener("click", () => showOnly(each, "group", +each.dataset.group));
  }
}

async function main() {
  try {
    await readData();
  } catch (error) {
    byId("old").hidden = false; // no DecompressionStream
    for (const each of document.querySelectorAll(".drawn")) each.hidden = true;
    return;
  }
  listenToFile();
  begin();
}

main();
