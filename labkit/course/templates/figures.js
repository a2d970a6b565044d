// Draws each figure from the JSON beside it: in the page's colours, to the page's width, its slider on the keyboard too.
"use strict";
const DARK_INKS = "{{ dark }}"; // what each colour becomes on a dark page
const NARROW = 560; // pixels; narrower figures get other titles, legends and margins
const CONFIG = { responsive: true, displayModeBar: false, doubleClick: "reset" };
const darkPage = window.matchMedia("(prefers-color-scheme: dark)");

function recoloured(value, key = "") {
  if (typeof value === "string") return (/color$/i.test(key) && DARK_INKS[value.toLowerCase()]) || value;
  if (!value || typeof value !== "object" || /colorscale/i.test(key)) return value;
  if (Array.isArray(value)) return value.map((one) => recoloured(one, key));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, recoloured(one, name)]));
}

function dark(figure) {
  const drawn = recoloured(figure);
  const clear = "rgba(0,0,0,0)";
  drawn.layout = { paper_bgcolor: clear, plot_bgcolor: clear, ...drawn.layout };
  for (const slider of drawn.layout.sliders || [])
    Object.assign(slider, { bgcolor: "#38424a", activebgcolor: "#8f9aa3", bordercolor: "#8f9aa3", tickcolor: "#8f9aa3" });
  return drawn;
}

function axes(layout, letter) {
  return Object.entries(layout).filter(([name]) => new RegExp(`^${letter}axis\\d*$`).test(name)).map(([, axis]) => axis);
}

function columns(layout) {
  const starts = axes(layout, "x").filter((axis) => axis.domain && !axis.overlaying).map((axis) => axis.domain[0].toFixed(2));
  return new Set(starts).size;
}

// A title as lines of at most `room` letters, broken between words; tags take no room.
function broken(text, room) {
  let line = 0;
  return text.split(/ (?![^<]*>)/).reduce((all, word) => {
    const size = word.replace(/<[^>]*>/g, "").length;
    const fits = !all || line + 1 + size <= room;
    line = fits ? line + 1 + size : size;
    return all + (all ? (fits ? " " : "<br>") : "") + word;
  }, "");
}

// For a phone: the title broken into lines, the legend on the left below it, narrow margins. The plot keeps its height.
function narrow(figure, width) {
  const drawn = structuredClone(figure);
  const parts = [drawn.layout, ...(drawn.frames || []).map((frame) => frame.layout || {})];
  let lines = 0;
  for (const part of parts) {
    if (!part.title || !part.title.text) continue;
    part.title = { ...part.title, text: broken(part.title.text, Math.floor(width / 7.8)), yref: "container", y: 1, yanchor: "top", pad: { t: 18 }, x: 0.02, xref: "container" };
    part.title.font = { ...part.title.font, size: 14 };
    lines = Math.max(lines, part.title.text.split("<br>").length);
  }
  const named = drawn.data.filter((trace) => trace.name && trace.showlegend !== false);
  const entry = 52 + 7.2 * Math.max(0, ...named.map((trace) => trace.name.length)); // all entries are as wide as the widest
  const shown = drawn.layout.showlegend !== false && (named.length > 1 || named.some((trace) => trace.showlegend));
  const rows = shown ? Math.ceil(named.length / Math.max(1, Math.floor((width - 62) / entry))) : 0;
  for (const axis of axes(drawn.layout, "x"))
    if (axis.title && axis.title.text) axis.title = { ...axis.title, text: broken(axis.title.text, Math.floor(width / 14)) };
  const { height, margin = {} } = drawn.layout;
  const pictures = axes(drawn.layout, "y").some((axis) => axis.scaleanchor); // they shrink with the width, so their height does
  const spare = pictures ? 0.5 * (height - (margin.t || 64) - (margin.b || 48)) : 0;
  const top = 24 + 19 * lines + 22 * rows + (columns(drawn.layout) ? 22 : 6);
  Object.assign(drawn.layout, {
    height: height - spare + Math.max(0, top - (margin.t || 64)),
    margin: { ...margin, l: Math.min(margin.l || 56, 52), r: 10, t: top },
    legend: { ...drawn.layout.legend, orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom" },
  });
  return drawn;
}

async function draw(plot, figure, at) {
  const frame = plot.closest(".frame");
  const several = columns(figure.layout) > 1;
  frame.classList.toggle("wide", several); // several panels beside each other scroll within their frame
  const width = frame.clientWidth;
  let drawn = structuredClone(figure);
  if (width < NARROW && !several) drawn = narrow(drawn, width);
  if (darkPage.matches) drawn = dark(drawn);
  plot.style.height = `${drawn.layout.height}px`;
  Plotly.purge(plot);
  await Plotly.newPlot(plot, drawn.data, drawn.layout, CONFIG);
  if (drawn.frames) await Plotly.addFrames(plot, drawn.frames);
  if (at !== undefined) await move(plot, at);
}

async function move(plot, goal) {
  const step = plot.layout.sliders[0].steps[goal];
  await Plotly.relayout(plot, { "sliders[0].active": goal });
  if (step.method) await Plotly[step.method](plot, ...step.args);
}

// plotly's own slider answers to the mouse only; this one stands for it: Tab reaches it, the arrow keys move it.
// `moved` takes the slider to a step; the figure's words follow, whoever moved it.
function keyboard(plot, { layout, frames }, moved) {
  const slider = layout.sliders[0];
  const keys = document.createElement("div");
  const last = slider.steps.length - 1;
  const attributes = { class: "keys", tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": last };
  attributes["aria-label"] = (slider.currentvalue && slider.currentvalue.prefix) || "slider of this figure";
  for (const [name, value] of Object.entries(attributes)) keys.setAttribute(name, value);
  keys.textContent = "Move the slider with the arrow keys ← →";
  keys.tell = (active) => {
    keys.setAttribute("aria-valuenow", active);
    keys.setAttribute("aria-valuetext", slider.steps[active].label);
    const frame = (frames || []).find((one) => one.name === slider.steps[active].label);
    const says = frame && frame.layout && frame.layout.meta && frame.layout.meta.says;
    if (says) plot.closest("[role=img]").setAttribute("aria-label", says);
  };
  keys.addEventListener("keydown", (event) => {
    const now = Number(keys.getAttribute("aria-valuenow"));
    const goals = { ArrowRight: now + 1, ArrowUp: now + 1, ArrowLeft: now - 1, ArrowDown: now - 1, Home: 0, End: last };
    if (!(event.key in goals)) return;
    event.preventDefault();
    const goal = Math.min(last, Math.max(0, goals[event.key]));
    keys.tell(goal);
    moved(goal);
  });
  keys.tell(slider.active || 0);
  plot.closest("figure").append(keys);
  return keys;
}

async function begin(plot) {
  const figure = JSON.parse(plot.closest("figure").querySelector("script").textContent);
  const slider = figure.layout.sliders && figure.layout.sliders[0];
  let last = Promise.resolve();
  const inTurn = (job) => (last = last.then(job).catch(console.error)); // a figure is never drawn by two at once
  const keys = slider && slider.steps ? keyboard(plot, figure, (goal) => inTurn(() => move(plot, goal))) : null;
  const again = () => inTurn(async () => {
    await draw(plot, figure, keys ? Number(keys.getAttribute("aria-valuenow")) : undefined);
    if (keys) plot.on("plotly_sliderchange", (event) => keys.tell(event.slider.active));
  });
  await again();
  let small = plot.closest(".frame").clientWidth < NARROW;
  darkPage.addEventListener("change", again);
  window.addEventListener("resize", () => {
    const now = plot.closest(".frame").clientWidth < NARROW;
    if (now !== small) again();
    small = now;
  });
}

for (const plot of document.querySelectorAll(".drawing")) begin(plot);
