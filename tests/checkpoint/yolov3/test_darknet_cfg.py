"""What a cfg says, checked against the network; and cfgs to write."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from darknet_files import changed, line_of
from hypothesis import given
from hypothesis import strategies as st

from headlab.checkpoint.yolov3.darknet.cfg import class_count_of, description_of
from headlab.checkpoint.yolov3.darknet.cfg_text import cfg_text
from headlab.checkpoint.yolov3.darknet.sections import read_sections, sections_of
from headlab.checkpoint.yolov3.description import Description
from headlab.errors import CheckpointError, HeadlabError
from yolov3_models import description

CFG = Path("net.cfg")
TINY = cfg_text(description())
FULL = cfg_text(description("yolov3"))


def read(text: str, class_names: tuple[str, ...] | None = None) -> Description:
    return description_of(sections_of(text.encode("utf-8"), CFG), class_names, CFG)


def refusal(text: str) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        read(text)
    assert caught.value.message.startswith("net.cfg")
    return caught.value


def test_the_real_file(shared: Path) -> None:
    path = shared / "weights" / "yolov3-tiny.cfg"
    found = description_of(read_sections(path), None, path)
    assert found.variant == "yolov3-tiny"
    assert found.masks == ((3, 4, 5), (0, 1, 2))
    assert found.anchors_wh_px[0] == (10, 14)
    assert found.anchors_wh_px[5] == (344, 319)
    assert found.class_names == tuple(map(str, range(80)))
    assert found.input_hw_px == (416, 416)
    assert class_count_of(read_sections(path), path) == 80


def test_without_a_mask_all_anchors_count() -> None:
    both = replace(description(), masks=((0, 1, 2, 3, 4, 5),) * 2)
    text = "".join(line for line in cfg_text(both).splitlines(True) if "mask" not in line)
    assert read(text).masks == both.masks


def test_settings_that_only_concern_training_are_ignored() -> None:
    extras = (
        "iou_loss=giou\nnms_kind=greedynms\nmax_delta=5\ncounters_per_class=1,2,3\nscale_x_y=1.0"
    )
    text = TINY.replace("[yolo]\n", f"[yolo]\n{extras}\n").replace("[net]", "[network]")
    text = text.replace("batch_normalize=1", "batch_normalize=2")  # across batches, while training
    assert read(text, description().class_names) == description()


# An output of tiny with 3 classes has 3 × (5 + 3) = 24 filters.
@pytest.mark.parametrize(
    ("part", "nth", "to", "said"),
    [
        (
            "filters=512",
            1,
            "filters=500",
            "layer 10 [convolutional]: filters=500; {tiny} has 512 there.",
        ),
        (
            "filters=512",
            2,
            "filters=256",
            "layer 14 [convolutional]: filters=256; {tiny} has 512 there.",
        ),
        (
            "filters=24",
            1,
            "filters=255",
            "layer 15 [convolutional]: filters=255, but the [yolo] in line 123 has 3 anchors in its mask and "
            "classes=3: 3 x (5 + 3) = 24.",
        ),
        (
            *("filters=24", 2, ""),
            "layer 22 [convolutional]: filters= is missing, which means 1, but the [yolo] in line",
        ),
        ("size=3", 1, "size=x", "layer 0 [convolutional]: size=x is not a whole number."),
        ("size=3", 1, "size=5", "layer 0 [convolutional]: size=5; {tiny} has 3 there."),
        ("stride=2", 1, "stride=1", "layer 1 [maxpool]: stride=1; {tiny} has 2 there."),
        ("stride=1", 2, "stride_x=2\nstride=1", "[convolutional]: stride_x=2; {tiny} has 1 there."),
        ("size=2", 1, "size=2\npadding=0", "layer 1 [maxpool]: padding=0; {tiny} has 1 there."),
        ("pad=1", 1, "pad=0", "layer 0 [convolutional]: the padding is 0; {tiny} has 1 there."),
        ("pad=1", 1, "padding=2", "layer 0 [convolutional]: the padding is 2; {tiny} has 1 there."),
        (
            *("batch_normalize=1", 1, ""),
            "[convolutional]: batch_normalize= is missing, which means 0; {tiny} has 1 there.",
        ),
        (
            *("activation=leaky", 1, "activation=mish"),
            "layer 0 [convolutional]: activation=mish; {tiny} has leaky there.",
        ),
        (
            "pad=1",
            1,
            "pad=1\ngroups=2",
            "layer 0 [convolutional]: groups=2 changes what the section",
        ),
        (
            "[upsample]",
            1,
            "[upsample]\nscale=2",
            "layer 19 [upsample]: scale=2 changes what the section",
        ),
        (
            "layers=-1,8",
            1,
            "layers=8,-1",
            "layer 20 [route]: layers=8,-1 means layers 8, 19; {tiny} has",
        ),
        (
            "layers=-4",
            1,
            "layers=-3",
            "[route]: layers=-3 means layer 14; {tiny} has layer 13 there.",
        ),
        ("layers=-4", 1, "layers=-40", "layers= names -40, which is not a layer before it."),
        ("layers=-4", 1, "layers=17", "layers= names 17, which is not a layer before it."),
        (
            "layers=-4",
            1,
            "layers=a",
            "layer 17 [route]: layers= has 'a', which is not a whole number.",
        ),
        ("layers=-4", 1, "", "layer 17 [route]: layers= is missing."),
        (
            "[upsample]",
            1,
            "[local]",
            "layer 19 [local]: a section of darknet that YOLOv3 does not have: it is of YOLOv1.",
        ),
        ("[maxpool]", 1, "[crop]", "layer 1 [crop]: a section of darknet that YOLOv3 does not"),
        (
            "[yolo]",
            1,
            "[Gaussian_yolo]",
            "layer 16 [Gaussian_yolo]: a section of AlexeyAB's darknet that YOLOv3 does not have.",
        ),
        (
            "[yolo]",
            1,
            "[yolo]\nscale_x_y=1.05",
            "[yolo]: scale_x_y=1.05 changes what the section does",
        ),
        (
            "[yolo]",
            1,
            "[yolo]\nnew_coords=1",
            "layer 16 [yolo]: new_coords=1 changes what the section",
        ),
        ("classes=3", 2, "classes=4", "layer 23 [yolo]: classes= differs from that in line "),
        ("classes=3", 1, "classes=0", "layer 16 [yolo]: classes=0; 1 to 100,000 were expected."),
        ("classes=3", 1, "", "layer 16 [yolo]: classes= is missing."),
        ("num=6", 1, "num=9", "layer 16 [yolo]: num=9, but anchors= has 6 pairs."),
        ("mask=3,4,5", 1, "mask=3,4,6", "mask= names anchor 6; there are anchors 0 to 5."),
        (
            *("mask=3,4,5", 1, "mask=3,4"),
            "filters=24, but the [yolo] in line 123 has 2 anchors in its mask and classes=3: 2 x (5 + 3)",
        ),
        (
            "[upsample]",
            1,
            "[Upsample]",
            "[Upsample]: darknet's names of sections are in lower case",
        ),
        (
            "[upsample]",
            1,
            "[focus]",
            "[focus]: neither darknet nor AlexeyAB's darknet has such a section",
        ),
        ("[upsample]", 1, "[crnn]", "does not have: it is of a recurrent network."),
        ("width=96", 1, "width=99999968", "[net]: width=99999968 is no size of a network's input"),
        ("width=96", 1, "width=1e9", "[net]: width=1e9 is not a whole number"),
        ("filters=512", 1, "filters=1099511627776", "filters=1099511627776 is not a whole number"),
        ("stride=2", 1, "stride=-2", "stride=-2; {tiny} has 2 there."),
        ("classes=3", 1, "classes=999999999", "classes=999999999; 1 to 100,000 were expected."),
        ("mask=3,4,5", 1, "mask=3,,5", "mask= has '', which is not a whole number."),
        ("channels=3", 1, "channels=1", "[net]: channels=1; headlab reads networks for RGB photos"),
        ("width=96", 1, "width=100", "[net]: width=100 is not a multiple of 32"),
        ("height=96", 1, "height=-32", "[net]: height=-32 is not a multiple of 32"),
        ("height=96", 1, "", "[net]: height= is missing."),
        ("[maxpool]", 3, "[net]", "layer 5 [net]: this is a second [net]."),
    ],
)
def test_a_mismatch_names_line_section_and_what_was_expected(
    part: str, nth: int, to: str, said: str
) -> None:
    text = changed(TINY, line_of(TINY, part, nth), to)
    message = refusal(text).message
    assert said.format(tiny="YOLOv3-tiny with 3 classes") in message
    line, word = re.search(r"line (\d+), .*?\]: (\w+)", message).groups()  # type: ignore[union-attr]
    assert text.splitlines()[int(line) - 1].startswith((f"{word}=", "[", "pad"))


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("x", "anchors= has 'x', which is not a size in pixels above 0."),
        ("-5", "anchors= has '-5', which is not a size in pixels above 0."),
        ("0", "anchors= has '0', which is not a size in pixels above 0."),
        ("nan", "anchors= has 'nan', which is not a size in pixels above 0."),
        ("5,5", "anchors= has 13 numbers, so the last width, 319, has no height."),
    ],
)
def test_anchors_that_are_none(item: str, said: str) -> None:
    message = refusal(TINY.replace("anchors=10,", f"anchors={item},", 1)).message
    assert message == f"net.cfg, line {line_of(TINY, 'mask=3,4,5') + 1}, layer 16 [yolo]: {said}"


def test_anchors_that_differ() -> None:
    head, _, tail = TINY.rpartition("anchors=10,")
    assert (
        "layer 23 [yolo]: anchors= differs from that in line"
        in refusal(f"{head}anchors=11,{tail}").message
    )


def test_a_cfg_that_ends_early_or_late() -> None:
    short = TINY[: TINY.index("[upsample]")]
    assert (
        "the file ends after layer 18 [convolutional], which begins in line"
        in refusal(short).message
    )
    assert "YOLOv3-tiny has 24 layers, 0 to 23." in refusal(short).message
    long = f"{TINY}\n[upsample]\nstride=2\n"
    assert (
        "layer 24 [upsample]: YOLOv3-tiny ends before it, with layer 23." in refusal(long).message
    )
    assert refusal("[net]\nwidth=32\nheight=32\nchannels=3").message == (
        "net.cfg: there are no layers after [net]."
    )
    assert "a cfg begins with [net]" in refusal(TINY[TINY.index("[conv") :]).message
    assert "there is no [yolo] section" in refusal(TINY[: TINY.index("[yolo]")]).message


def test_the_network_is_the_one_that_the_layers_resemble_most() -> None:
    spp = cfg_text(description("yolov3-spp"))
    for text, what in ((spp, "YOLOv3-SPP"), (FULL, "YOLOv3"), (TINY, "YOLOv3-tiny")):
        message = refusal(changed(text, line_of(text, "filters=32"), "filters=33")).message
        assert f"filters=33; {what} with 3 classes has " in message


def test_the_source_of_a_shortcut() -> None:
    text = changed(FULL, line_of(FULL, "from=-3", 4), "from=-2")
    message = refusal(text).message
    assert message.endswith("from=-2 means layer 13; YOLOv3 with 3 classes has layer 12 there.")
    text = changed(FULL, line_of(FULL, "activation=linear"), "activation=leaky")
    assert (
        "layer 4 [shortcut]: activation=leaky; YOLOv3 with 3 classes has linear"
        in refusal(text).message
    )


def test_as_many_class_names_as_classes() -> None:
    with pytest.raises(CheckpointError, match="classes=3, but there are 2 class names"):
        read(TINY, ("ant", "bee"))


LINES = st.sampled_from(
    ["[net]", "[yolo]", "[route]", "[shortcut]", "[convolutional]", "[maxpool]", "[upsample]"]
) | st.builds(
    "{}={}".format,
    st.sampled_from(
        ["width", "layers", "from", "mask", "anchors", "classes", "num", "filters", "pad"]
    ),
    st.sampled_from(
        ["-1", "3", "0,1,2", "9" * 9, "9" * 10, "1e5", "-0", ",", "inf", "x", "", "3,", "٣"]
    ),
)


@given(st.integers(0, TINY.count("\n") - 1), LINES, st.booleans())
def test_a_changed_line_is_read_or_refused(at: int, line: str, keep: bool) -> None:
    lines = TINY.splitlines()
    lines[at : at + (not keep)] = [line]
    with contextlib.suppress(HeadlabError):
        assert read("\n".join(lines)).variant == "yolov3-tiny"


@given(st.lists(LINES, max_size=12))
def test_any_sections_are_read_or_refused(lines: list[str]) -> None:
    with contextlib.suppress(HeadlabError):
        read("\n".join(["[net]", "width=32", "height=32", "channels=3", *lines]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TINY.replace("[net]", "[NET]"), "line 1, [NET]: darknet's names of sections are in lower"),
        (TINY.replace("[net]", "[maxpool]"), "line 1, [maxpool]: a cfg begins with [net]."),
        (TINY + "[maxpool]\n" * 10_000, "more than 10,000 sections; no network has so many."),
        (TINY.replace("mask=3,4,5", f"mask={'0,' * 5000}1"), "mask= has more than 2,000 values."),
        (
            TINY.replace("layers=-4", f"layers={'-1,' * 99}2"),
            "layers 16, 16, 16, 16, 16, 16, 16, 16",
        ),
    ],
)
def test_a_cfg_of_absurd_length_or_beginning(text: str, said: str) -> None:
    message = refusal(text).message
    assert said in message
    assert len(message) < 400
