"""Words that a screen reader says when they change.

It watches one element and tells what becomes of its content. An element that is replaced, as in an ipywidgets HTML
whose value changes, is often not told at all: so this one stays as long as its widget does, and its content changes.
"""

import anywidget
import traitlets


class Status(anywidget.AnyWidget):
    """A live region: `value` is HTML, so words that come from elsewhere are escaped before. Used from lesson 00 on."""

    _esm = """
    function render({ model, el }) {
      const region = document.createElement("div");
      region.setAttribute("role", "status");
      region.style.lineHeight = "1.5";
      el.append(region);
      const say = () => { region.innerHTML = model.get("value"); };
      model.on("change:value", say);
      say();
      return () => model.off("change:value", say);
    }
    export default { render };
    """
    value = traitlets.Unicode().tag(sync=True)
