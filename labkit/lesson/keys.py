"""Keys that belong to a form: JupyterLab does not take them while something inside it has the focus.

In command mode JupyterLab takes plain keys for itself, also from a drop-down list in a cell's output: "b" adds a cell,
an arrow moves to the next one. It hears them when they have risen to the page; the box around the form stops them on
their way. Keys with Ctrl, Alt or Cmd go on: saving works from everywhere.
"""

import anywidget
import ipywidgets as widgets

BOX = "labkit-own-keys"  # the class of boxes that keep their keys


class _Keeper(anywidget.AnyWidget):
    """Nothing to see: once it is on the page, the box that it stands in keeps its keys."""

    _esm = """
    const keep = (event) => {
      if (!(event.ctrlKey || event.altKey || event.metaKey)) event.stopPropagation();
    };
    function render({ el }) {
      const find = () => {
        const box = el.closest(".labkit-own-keys");
        if (box) box.addEventListener("keydown", keep);
        return box;
      };
      if (find()) return;
      const seen = new MutationObserver(() => { if (find()) seen.disconnect(); });
      seen.observe(document.body, { childList: true, subtree: true });
      return () => seen.disconnect();
    }
    export default { render };
    """


def with_own_keys(children: list[widgets.Widget]) -> widgets.VBox:
    """The widgets, one below the other, in a box that keeps its keys in JupyterLab. Used in lesson 11."""
    box = widgets.VBox([*children, _Keeper()])
    box.add_class(BOX)
    return box
