"""Words that a screen reader says when they change.

It watches one element and tells what becomes of its content. An element that is replaced, as in an ipywidgets HTML
whose value changes, is often not told at all: so this one stays as long as its widget does, and its content changes.
Words that follow what stands there already are added to it, so that they alone are told.
"""

import anywidget
import traitlets


class Status(anywidget.AnyWidget):
    """A live region: `value` is HTML, so words that come from elsewhere are escaped before. Used from lesson 00 on."""

    _esm = """
    function render({ model, el }) {
      const region = document.createElement("div");
      region.setAttribute("role", "status");
      region.setAttribute("aria-atomic", "false"); // else each change has all of it read out again
      region.style.lineHeight = "1.5";
      el.append(region);
      let said = "";
      const say = () => {
        const value = model.get("value");
        if (value.startsWith(said)) region.insertAdjacentHTML("beforeend", value.slice(said.length));
        else region.innerHTML = value;
        said = value;
      };
      model.on("change:value", say);
      say();
      return () => model.off("change:value", say);
    }
    export default { render };
    """
    value = traitlets.Unicode().tag(sync=True)
