// The browser's half of plot.py: a figure that follows the kernel. plotly.js is large, so it comes to a page once, with
// the first figure of a kernel; where that one is not there, a figure asks for it.

const PATIENCE = 3000; // milliseconds without plotly.js before a figure asks for it
const CONFIG = { responsive: true, displaylogo: false };
const library = (globalThis[Symbol.for("labkit.plotly")] ??= {});
library.here ??= new Promise((resolve) => (library.resolve = resolve));

function take(text) {
  if (!text || library.taken) return;
  library.taken = true;
  const module = { exports: {} };
  new Function("module", "exports", "define", text)(module, module.exports, undefined);
  library.resolve(module.exports);
}

function initialize({ model }) {
  take(model.get("library"));
}

async function draw(plotly, box, { data, layout }) {
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", layout.meta?.says ?? "");
  await plotly.react(box, data, layout, CONFIG);
}

// Nothing is waited for here: a view that takes its time would be given up.
function render({ model, el }) {
  const box = document.createElement("div");
  box.textContent = "The figure is on its way.";
  el.append(box);
  let plotly = null;
  let drawing = Promise.resolve();
  const redraw = () => {
    if (plotly) drawing = drawing.then(() => draw(plotly, box, model.get("figure"))).catch(console.error);
  };
  const heard = ({ kind, text }) => kind === "library" && take(text);
  const asking = setTimeout(() => model.send({ kind: "library" }), PATIENCE);
  model.on("change:figure", redraw);
  model.on("msg:custom", heard);
  library.here.then((found) => {
    clearTimeout(asking);
    box.textContent = "";
    plotly = found;
    redraw();
  });
  return () => {
    clearTimeout(asking);
    model.off("change:figure", redraw);
    model.off("msg:custom", heard);
    if (plotly) plotly.purge(box);
    plotly = null;
  };
}

export default { initialize, render };
