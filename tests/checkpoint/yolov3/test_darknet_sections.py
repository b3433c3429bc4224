"""A cfg's sections, keys and lines."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlab.checkpoint.yolov3.darknet.sections import Value, read_sections, repeated, sections_of
from headlab.errors import CheckpointError, HeadlabError, InputError

CFG = Path("net.cfg")


def refusal(text: str | bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        sections_of(text if isinstance(text, bytes) else text.encode("utf-8"), CFG)
    return caught.value


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_sections_with_their_lines(ends: str, encoding: str) -> None:
    lines = ["# 学習", "[net]", "; 表", " width = 4 16 # 幅", "", "[ conv ]", "\tfilters=32", ""]
    net, layer = sections_of(ends.join(lines).encode(encoding), CFG)
    assert (net.kind, net.line, net.layer) == ("net", 2, -1)
    assert (layer.kind, layer.line, layer.layer) == ("convolutional", 6, 0)
    assert net.values == {"width": Value("416", 4)}  # darknet drops all spaces
    assert layer.values == {"filters": Value("32", 7)}
    assert layer.where("filters") == "net.cfg, line 7, layer 0 [convolutional]"
    assert layer.where("size") == "net.cfg, line 6, layer 0 [convolutional]"
    assert net.where("width") == "net.cfg, line 4, [net]"


def test_the_real_file(shared: Path) -> None:
    sections = read_sections(shared / "weights" / "yolov3-tiny.cfg")
    assert len(sections) == 25
    assert [(each.kind, each.line) for each in sections[:3]] == [
        ("net", 1),
        ("convolutional", 25),
        ("maxpool", 33),
    ]
    assert sections[17].values["anchors"].text == "10,14,23,27,37,58,81,82,135,169,344,319"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("width=3\n[net]", "net.cfg, line 1: width=3 comes before the first section."),
        ("[net]\nwidth", "net.cfg, line 2: width is not a setting; darknet ignores such a line."),
        ("[net]\nwidth=", "net.cfg, line 2: width= is not a setting"),
        ("[net]\n=3", "net.cfg, line 2: =3 is not a setting"),
        ("\n<!DOCTYPE html>", "net.cfg, line 2: this is a web page, not a .cfg."),
        (
            "[yolo]\nanchors = 10,14, 23,27,\n  37,58",
            "net.cfg, line 3: 37,58 goes on from anchors= of line 2, but a setting is one line",
        ),
        ("[net", "net.cfg, line 1: [net is not a section."),
        ("[]", "net.cfg, line 1: [] is not a section."),
        ("# nothing\n", "net.cfg: there is no section such as [net] in it."),
        ("", "net.cfg: there is no section such as [net] in it."),
        ("[net]\n\x1b[2J", r"net.cfg, line 2: \x1b[2J is not a setting"),
        (b"[net]\r\nwidth=\x81\xff", "net.cfg, line 2: the text is not UTF-8, nor in an encoding"),
    ],
)
def test_what_is_no_cfg(text: str | bytes, said: str) -> None:
    assert refusal(text).message.startswith(said)


def test_of_two_keys_darknet_takes_the_first() -> None:
    net, layer = sections_of(
        b"[net]\n batch=1\n subdivisions=1\nbatch=64\nsubdivisions=16\n"
        b"[conv]\npad=1\npad=1\nsize=3\nsize=5",
        CFG,
    )
    assert net.values["batch"] == Value("1", 2)
    assert net.repeats["batch"] == [Value("64", 4)]
    assert repeated([net, layer]) == (
        "net.cfg, [net]: of settings that are there more than once, darknet takes the first: batch=1 "
        "(line 2), subdivisions=1 (line 3).",
        "net.cfg, [convolutional]: of settings that are there more than once, darknet takes the first: "
        "size=3 (line 9).",
    )
    assert layer.text("pad") == "1"  # twice the same
    assert layer.text("stride") is None
    with pytest.raises(CheckpointError) as caught:
        layer.text("size")
    assert (
        caught.value.message == "net.cfg, line 10, [convolutional]: size=5, but line 9 says size=3."
    )
    assert caught.value.hint.startswith("Remove one of them: darknet takes the first")


@given(st.one_of(st.binary(max_size=60), st.text("[]=#;\r\n \t0ab表", max_size=60).map(str.encode)))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(HeadlabError):
        assert sections_of(data, CFG)
