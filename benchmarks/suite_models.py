"""Suites `vit` and `classroom`: whole models beside their peers, with the same weights: labkit's ViT and that of timm,
labkit's Adventurer and the plain one."""

import copy

import torch
from cases import forward_of, gradients, images_for, labels_for, step_of
from plain import Plain
from timing import agreement, cell, goal_cell, interleaved, markdown, medians, say, speedup, time_cell
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from labkit.heads import Classify, ClassifyToken
from labkit.models.adventurer import Adventurer
from labkit.models.published import to_timm
from labkit.models.vit import ViT
from labkit.tokenizers import Patches

VIT_ROUNDS, CLASSROOM_ROUNDS = 30, 20
VIT_CASES = ((16, 4), (8, 1), (4, 1))  # patch size, batch
SIDE, GREY, WIDTH, DEPTH, HEADS, CLASSES, BATCH, CLIP = 16, 1, 64, 3, 4, 14, 64, 1.0  # the classroom
GOALS = {"ViT-Tiny": 0.97, "ViT": 1.0, "Adventurer": 2.0}  # times faster than the peer
CLASSROOM_SIZES = (16, 8, 4, 2, 1)


def measure_vit(rounds: int | None, image_size: int) -> dict:
    """ViT-Tiny against timm's, forward and training step."""
    found = {"rounds": rounds or VIT_ROUNDS, "cases": []}
    for patch_size, batch in VIT_CASES:
        say(f"vit p={patch_size}")
        torch.manual_seed(0)
        mine = ViT(Patches(image_size, patch_size, 192), ClassifyToken(192, 1000), depth=12, heads=3)
        theirs = timm_peer(mine)
        images = images_for(mine, batch)
        labels = labels_for(images)
        agreed = vit_agreement(mine, theirs, images, labels)
        forwards = {"labkit": forward_of(mine, images), "peer": forward_of(theirs, images)}
        seconds = interleaved([forwards], found["rounds"])
        found["cases"].append(_case("ViT-Tiny", "timm", patch_size, batch, "forward", agreed, seconds))
        steps = {"labkit": step_of(mine, images, labels), "peer": step_of(theirs, images, labels)}
        seconds = interleaved([steps], found["rounds"])
        found["cases"].append(_case("ViT-Tiny", "timm", patch_size, batch, "step", agreed, seconds))
    return found


def timm_peer(model: ViT) -> VisionTransformer:
    """timm's model with the weights of `model`."""
    tokenizer, token = model.tokenizer, model.class_token is not None
    theirs = VisionTransformer(
        img_size=tokenizer.image_size,
        patch_size=tokenizer.patch_size,
        in_chans=tokenizer.channels,
        num_classes=model.head.linear.out_features,
        embed_dim=tokenizer.dim,
        depth=len(model.blocks),
        num_heads=model.blocks[0].attention.heads,
        class_token=token,
        global_pool="token" if token else "avg",
        fc_norm=False,
    )
    theirs.load_state_dict(to_timm(model))
    return theirs


def vit_agreement(mine: ViT, theirs: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """Logits and all gradients, under timm's names."""
    holder, found = copy.deepcopy(mine), gradients(mine, images, labels)
    for name, weight in holder.named_parameters():
        weight.data = found[name]
    other = gradients(theirs, images, labels)
    mapped = {name: tensor.reshape(other[name].shape) for name, tensor in to_timm(holder).items()}
    with torch.no_grad():
        return agreement("labkit's ViT and timm's", {"l": mine(images), **mapped}, {"l": theirs(images), **other})


def measure_classroom(rounds: int | None, image_size: int) -> dict:
    """A training step of the classroom models against their peers. `image_size` changes nothing."""
    found = {"rounds": rounds or CLASSROOM_ROUNDS, "cases": []}
    for patch_size in CLASSROOM_SIZES:
        say(f"classroom p={patch_size}")
        vit, adventurer = _classroom(patch_size)
        images = images_for(vit, BATCH)
        labels = labels_for(images, CLASSES)
        theirs, plain = timm_peer(vit), Plain(copy.deepcopy(adventurer))
        answers = (gradients(model, images, labels) for model in (adventurer, plain))
        agreed = {
            "ViT": vit_agreement(vit, theirs, images, labels),
            "Adventurer": agreement("labkit's Adventurer and the plain one", *answers),
        }
        for name, peer, pair in (("ViT", "timm", (vit, theirs)), ("Adventurer", "plain", (adventurer, plain))):
            works = (step_of(model, images, labels, clip=CLIP) for model in pair)
            seconds = interleaved([dict(zip(("labkit", "peer"), works, strict=True))], found["rounds"])
            found["cases"].append(_case(name, peer, patch_size, BATCH, "step", agreed[name], seconds))
    return found


def _classroom(patch_size: int) -> tuple[ViT, Adventurer]:
    torch.manual_seed(0)
    parts = ((Patches(SIDE, patch_size, WIDTH, channels=GREY), Classify(WIDTH, CLASSES)) for _ in range(2))
    return ViT(*next(parts), depth=DEPTH, heads=HEADS), Adventurer(*next(parts), depth=DEPTH)


def _case(
    model: str, peer: str, patch_size: int, batch: int, what: str, agreed: dict[str, float], seconds: dict
) -> dict:
    return {
        "model": model,
        "peer": peer,
        "patch_size": patch_size,
        "batch": batch,
        "pass": what,
        "agreement": agreed,
        "median_seconds": medians(seconds),
        "speedup_over_peer": speedup(seconds["peer"], seconds["labkit"]),
    }


def table(found: dict) -> str:
    """A row for each model, patch size and pass."""
    rows = []
    for one in found["cases"]:
        middle, faster = one["median_seconds"], one["speedup_over_peer"]
        times = [time_cell(middle["labkit"]), f"{one['peer']}, {time_cell(middle['peer'])}"]
        start = [one["model"], one["patch_size"], one["batch"], one["pass"]]
        rows.append([*start, *times, cell(faster), goal_cell(faster, GOALS[one["model"]], at_least=True)])
    return markdown(["model", "p", "batch", "pass", "labkit", "peer", "labkit, times faster", "goal"], rows)
