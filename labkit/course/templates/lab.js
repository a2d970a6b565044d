// A plotly slider answers to the mouse only. This gives each figure with a slider one more, for the keyboard:
// focus it with Tab, move it with the arrow keys.
"use strict";
window.addEventListener("load", () => {
  for (const plot of document.querySelectorAll(".plotly-graph-div")) {
    const slider = plot.layout && plot.layout.sliders && plot.layout.sliders[0];
    if (!slider || !slider.steps) continue;
    const steps = slider.steps;
    const keys = document.createElement("div");
    keys.className = "keys";
    keys.tabIndex = 0;
    keys.textContent = "Move the slider with the arrow keys ← →";
    keys.setAttribute("role", "slider");
    keys.setAttribute("aria-label", (slider.currentvalue && slider.currentvalue.prefix) || "slider of this figure");
    keys.setAttribute("aria-valuemin", 0);
    keys.setAttribute("aria-valuemax", steps.length - 1);
    const tell = (active) => {
      keys.setAttribute("aria-valuenow", active);
      keys.setAttribute("aria-valuetext", steps[active].label);
    };
    tell(slider.active || 0);
    plot.on("plotly_sliderchange", (event) => tell(event.slider.active));
    keys.addEventListener("keydown", (event) => {
      const now = plot.layout.sliders[0].active || 0;
      const goals = { ArrowRight: now + 1, ArrowUp: now + 1, ArrowLeft: now - 1, ArrowDown: now - 1, Home: 0, End: steps.length - 1 };
      if (!(event.key in goals)) return;
      event.preventDefault();
      const goal = Math.min(steps.length - 1, Math.max(0, goals[event.key]));
      Plotly.relayout(plot, { "sliders[0].active": goal });
      if (steps[goal].method) Plotly[steps[goal].method](plot, ...steps[goal].args);
      tell(goal);
    });
    plot.closest("figure").append(keys);
  }
});
