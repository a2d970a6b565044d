"""labkit.doctor: what is looked at, and what is said of it."""

import tomllib
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement

from labkit import doctor
from labkit.doctor import Finding

ROOT = Path(__file__).parents[1]


def finding(name, **options):
    return next(found for found in doctor.doctor(**options) if found.name == name)


def test_the_doctor_looks_at_everything():
    findings = doctor.doctor()
    names = {found.name for found in findings}
    assert {"python", "cores", "torch threads", "memory", "attention matrix", "disk", *doctor.PACKAGES} <= names
    assert any(name.startswith("GPU") for name in names)
    assert {found.verdict for found in findings} <= {"ok", "slow", "missing", "broken"}
    assert all(found.value and bool(found.advice) == (found.verdict != "ok") for found in findings)


@pytest.mark.parametrize("name", ["anywidget", "scikit-image", "timm", "torch"])
def test_the_doctor_goes_on_when_a_package_is_missing(monkeypatch, name):
    plain = doctor.version

    def version(asked):
        if asked == name:
            raise doctor.PackageNotFoundError(asked)
        return plain(asked)

    monkeypatch.setattr(doctor, "version", version)
    assert finding(name)[1:3] == ("not installed", "missing")
    assert doctor.PACKAGES[name] in finding(name).advice
    assert finding("numpy").verdict == "ok"


def test_the_doctor_sees_an_old_torch_and_a_package_that_does_not_load(monkeypatch):
    def refuse(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(doctor, "version", lambda name: "2.9.1+cpu")
    monkeypatch.setattr(doctor.importlib, "import_module", refuse)
    assert finding("torch").verdict == "broken"
    assert finding("torchvision").verdict == "broken"
    assert "nms does not exist" in finding("torchvision").advice
    monkeypatch.setattr(doctor, "version", lambda name: "2.10.0")
    assert finding("torch").verdict == "ok"


def test_the_doctor_looks_for_what_the_project_asks_for():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {Requirement(line).name for line in listed["dependencies"]}
    assert set(doctor.PACKAGES) - needed == {"flash-attn", "mamba-ssm"}


def environment(folder, **packages):
    room = folder / "lib" / "python3.11" / "site-packages"
    for name, number in packages.items():
        info = room / f"{name}-{number}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {number}\n")
    return folder


def test_the_doctor_compares_the_kernel_with_its_server(monkeypatch, tmp_path):
    here = {name: doctor.version(name) for name in doctor.FRONT_ENDS}
    other = environment(tmp_path / "other", jupyterlab="4.4.0", **{**here, "anywidget": "0.0.1"})
    monkeypatch.setattr(doctor, "_server_folder", lambda: other)
    found = finding("anywidget, server")
    assert found.verdict == "broken"
    assert found.value == f"0.0.1 in the server, {here['anywidget']} in the kernel"
    assert "plotly, server" not in {one.name for one in doctor.doctor()}
    bare = environment(tmp_path / "bare", jupyterlab="4.4.0")
    monkeypatch.setattr(doctor, "_server_folder", lambda: bare)
    assert finding("plotly, server").verdict == finding("jupyterlab_widgets, server").verdict == "missing"
    same = environment(tmp_path / "same", jupyterlab="4.4.0", **here)
    monkeypatch.setattr(doctor, "_server_folder", lambda: same)
    assert finding("server and kernel").verdict == "ok"


@pytest.mark.parametrize(
    ("available", "large"), [(10**12, ""), (5 * 10**9, "1"), (10**8, "2, 1"), (10**5, "16, 8, 4, 2, 1")]
)
def test_the_attention_matrix_that_does_not_fit_is_named(available, large):
    found = doctor._attention(available, "memory")
    assert "p = 1: 10,070.5 MB" in found.value  # 50,176 tokens, squared, four bytes each
    assert found.verdict == ("slow" if large else "ok")
    assert found.advice.startswith(f"p = {large} does not fit") if large else not found.advice


def test_little_of_anything_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "memory", lambda: (2 * 10**9, 10**9))
    monkeypatch.setattr(doctor, "cores", lambda: 0.5)
    monkeypatch.setattr(doctor.torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(doctor.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: doctor.shutil._ntuple_diskusage(1e9, 1e9, 0.0))
    found = {one.name: one for one in doctor.doctor(folder=tmp_path)}
    verdicts = {name: found[name].verdict for name in ("memory", "cores", "torch threads", "attention matrix", "disk")}
    assert verdicts == {
        "memory": "slow",
        "cores": "slow",
        "torch threads": "slow",
        "attention matrix": "slow",
        "disk": "broken",
    }
    assert "set_num_threads(1)" in found["torch threads"].advice
    assert found["GPU"].verdict in ("slow", "broken")


def test_the_table_is_markdown_whatever_the_cells_hold():
    table = doctor.as_table([Finding("a|b", "two\nlines", "ok"), Finding("c", "1", "slow", "do x")])
    assert table.splitlines() == [
        "| name | value | verdict | advice |",
        "| --- | --- | --- | --- |",
        r"| a\|b | two lines | ok |  |",
        "| c | 1 | slow | do x |",
    ]


@pytest.mark.gpu
def test_every_gpu_is_named():
    gpus = [one for one in doctor.doctor() if one.name.startswith("GPU")]
    assert len(gpus) == torch.cuda.device_count()
    assert torch.cuda.get_device_name() in gpus[0].value
