// The browser's half of plot.py: a figure that follows the kernel. plotly.js is large, so it comes to a page once, with
// the first figure of a kernel; where that one is not there, the page asks for it.

const PATIENCE = 3000; // milliseconds without plotly.js before a page asks for it
const CONFIG = { displaylogo: false };
const library = (globalThis[Symbol.for("labkit.plotly")] ??= {});
library.here ??= new Promise((resolve) => (library.resolve = resolve));

// As a script of its own it is read beside the page's work, not in between.
function take(text) {
  if (!text || library.taken) return;
  library.taken = true;
  const script = document.createElement("script");
  script.src = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  script.onload = () => (globalThis.Plotly ? library.resolve(globalThis.Plotly) : script.onerror());
  script.onerror = () => (library.taken = false); // the page asks once more
  document.head.append(script);
}

function ask(model) {
  if (library.taken || library.asked) return;
  library.asked = true;
  model.send({ kind: "library" });
  setTimeout(() => (library.asked = false), 10 * PATIENCE); // a kernel that was restarted never answers
}

function initialize({ model }) {
  take(model.get("library"));
}

// Nothing is waited for here: a view that takes its time would be given up.
function render({ model, el }) {
  const box = document.createElement("div");
  box.classList.add("labkit-plot");
  box.textContent = "The figure is on its way.";
  el.append(box);
  let plotly = null;
  let drawing = Promise.resolve();

  const inTurn = (job) => {
    drawing = drawing.then(() => plotly && box.clientWidth && job()).catch(console.error);
  };
  const draw = () =>
    inTurn(() => {
      const { data, layout } = model.get("figure");
      box.setAttribute("role", "img");
      box.setAttribute("aria-label", layout.meta?.says ?? "");
      return plotly.react(box, data, layout, CONFIG);
    });
  // Before it stands in the page it has no width, and later its width may change: with the window, or with a side bar.
  const watch = new ResizeObserver(() => inTurn(() => (box._fullLayout ? plotly.Plots.resize(box) : draw())));
  const heard = ({ kind, text }) => kind === "library" && take(text);
  const asking = setInterval(() => ask(model), PATIENCE);

  model.on("change:figure", draw);
  model.on("msg:custom", heard);
  library.here.then((found) => {
    clearInterval(asking);
    if (!el.contains(box)) return;
    box.textContent = "";
    plotly = found;
    watch.observe(box);
    draw();
  });
  return () => {
    clearInterval(asking);
    watch.disconnect();
    model.off("change:figure", draw);
    model.off("msg:custom", heard);
    if (plotly) plotly.purge(box);
    plotly = null;
    box.remove();
  };
}

export default { initialize, render };
