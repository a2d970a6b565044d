"""What a textures model gets to see: a sheet of crops, one row for each photograph.

Letters: B images, S crop side.
"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int
from torch import Tensor

from labkit.figures.style import dressed, enlarged, png

SCALE, GAP, ROW = 3, 4, 10  # of the sheet: its pixels a crop pixel, crops in a row


def crops_figure(
    images: Float[Tensor, "B 1 S S"], labels: Int[Tensor, " B"], classes: Sequence[str], *, title: str
) -> go.Figure:
    """Up to ten crops of each class, grey from two standard deviations below the mean to two above. Used in lesson
    05."""
    side = images.shape[-1] * SCALE + GAP
    sheet = np.full((len(classes) * side - GAP, ROW * side - GAP, 3), 255, dtype=np.uint8)
    for k in range(len(classes)):
        for j, crop in enumerate(images[labels == k][:ROW, 0]):
            grey = np.clip((crop.numpy() / 4 + 0.5) * 255, 0, 255).astype(np.uint8)
            place = sheet[k * side : k * side + side - GAP, j * side : j * side + side - GAP]
            place[:] = enlarged(np.repeat(grey[..., None], 3, axis=2), SCALE)
    figure = go.Figure(go.Image(source=png(sheet), hoverinfo="skip"))
    bare = {"showgrid": False, "zeroline": False, "fixedrange": True}
    middles = [k * side + (side - GAP) / 2 for k in range(len(classes))]
    figure.update_xaxes(range=[0, sheet.shape[1]], showticklabels=False, **bare)
    figure.update_yaxes(range=[len(sheet), 0], tickvals=middles, ticktext=list(classes), scaleanchor="x", **bare)
    says = (
        f"A sheet of small grey crops, one row for each of {len(classes)} photographs. Brightness and contrast are the "
        "same in all of them; what differs is their texture."
    )
    return dressed(figure, title=title, says=says, height=90 + 46 * len(classes)).update_layout(margin={"l": 160})
