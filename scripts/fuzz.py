"""Give every parser inputs that are broken by chance, and keep the ones that it does not refuse properly.

    .venv/bin/python scripts/fuzz.py                     100,000 inputs for each parser
    .venv/bin/python scripts/fuzz.py --count 2000 pickle yaml
    .venv/bin/python scripts/fuzz.py --list

An input is a small seed with random changes. A parser may read it, or raise one of headlab's own errors;
anything else, or ten seconds without an answer, is a failure. The first input of each kind of failure is
written to build/fuzz/, to become a test; the exit code is then 1. The same seed gives the same inputs.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import pickle
import random
import signal
import sys
import tempfile
import traceback
import warnings
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from headlab.errors import HeadlabError

ROOT = Path(__file__).resolve().parents[1]
FAILURES = ROOT / "build" / "fuzz"
SECONDS = 10.0

TOKENS = (
    *(
        b"",
        b"\0",
        b"\xff",
        b"\xed\xa0\x80",
        b"-1",
        b"0",
        b"1e999",
        b"nan",
        b"-inf",
        b"9" * 40,
        b"1_0",
    ),
    *(
        b"null",
        b"true",
        b"{}",
        b"[]",
        b'""',
        b'"\\ud800"',
        b"!!timestamp x",
        b"&a [*a]",
        b"<<: 1",
        b"- ",
    ),
    *(
        b",",
        b":",
        b"=",
        b"#",
        b"/",
        b"../../x",
        b"%s",
        b"\r",
        b"\n\n",
        b"\t",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
    ),
    *(
        b"2**9",
        b"1.5",
        b"0x10",
        b"12:30",
        b"~",
        b"?",
        b"|",
        b"<x/>",
        b"&amp;",
        b"]]>",
        b"4294967296",
    ),
)


@dataclass(frozen=True)
class Parser:
    """A parser under test.

    Attributes:
        name: what to call it.
        file: the name of the file that it reads.
        seeds: makes sound inputs.
        read: reads that file, whose folder has `others` as well.
        others: other files that it needs, as they are.
        wrap: what is done to a changed input before it is written, such as putting it into an archive.
    """

    name: str
    file: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[Path], object]
    others: Callable[[], dict[str, bytes]] = dict
    wrap: Callable[[bytes], bytes] = bytes


class TooSlow(BaseException):
    """A parser gave no answer in time."""


def changed(data: bytes, seeds: list[bytes], chance: random.Random) -> bytes:
    """An input with one to eight random changes."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(made) + 1)
        end = min(len(made), at + chance.choice((1, 1, 2, 4, 8, 64)))
        match chance.randrange(7):
            case 0 if at < len(made):
                made[at] ^= 1 << chance.randrange(8)
            case 1:
                del made[at:end]
            case 2:
                made[at:at] = made[at:end] * chance.choice((1, 2, 50))
            case 3:
                made[at:end] = chance.choice(TOKENS)
            case 4:
                made[at:at] = chance.choice(TOKENS)
            case 5:
                other = chance.choice(seeds)
                begin = chance.randrange(len(other) + 1)
                made[at:end] = other[begin : begin + chance.choice((4, 16, 200))]
            case 6 if chance.random() < 0.2:
                del made[at:]
    return bytes(made)


def run(parser: Parser, count: int, seed: int) -> int:
    """Fuzz one parser; how many kinds of failures there were."""
    chance = random.Random(f"{parser.name} {seed}")  # noqa: S311 - not for secrets
    seeds, kinds, read = parser.seeds(), set[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / parser.file
        path.parent.mkdir(parents=True, exist_ok=True)
        for name, contents in parser.others().items():
            other = Path(folder) / name
            other.parent.mkdir(exist_ok=True)
            other.write_bytes(contents)
        for number in range(-len(seeds), count):
            data = seeds[number] if number < 0 else changed(chance.choice(seeds), seeds, chance)
            path.write_bytes(parser.wrap(data))
            failure = tried(parser, path)
            read += failure == ""
            kind = (failure or "").strip()
            if kind and kind not in kinds:
                kinds.add(kind)
                keep(parser, path.read_bytes(), kind)
    print(
        f"{parser.name}: {count:,} inputs, {read:,} read, {len(kinds)} kinds of failures",
        flush=True,
    )
    return len(kinds)


def tried(parser: Parser, path: Path) -> str | None:
    """An empty text if an input was read, None if it was properly refused; else where and how that failed."""

    def stop(*_: object) -> None:
        raise TooSlow(f"no answer in {SECONDS:g} s")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        parser.read(path)
    except HeadlabError:
        return None
    except (Exception, TooSlow) as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "headlab" in frame.filename and frame.name != "stop"]
        place = own[-1] if own else frames[-1]
        return (
            f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno} ({place.name})"
        )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return ""


def keep(parser: Parser, data: bytes, kind: str) -> None:
    """Write an input that failed."""
    FAILURES.mkdir(parents=True, exist_ok=True)
    name = f"{parser.name}-{hashlib.sha256(data).hexdigest()[:8]}{Path(parser.file).suffix}"
    (FAILURES / name).write_bytes(data)
    print(f"{parser.name}: {kind}: {FAILURES / name}", flush=True)


def archive(data_pkl: bytes) -> bytes:
    """A pickle as the only entry that matters of an archive as torch.save lays it out."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("m/data.pkl", data_pkl)
        made.writestr("m/data/0", bytes(64))
    return file.getvalue()


def texts(*contents: str) -> Callable[[], list[bytes]]:
    """Seeds that are texts."""
    return lambda: [each.encode() for each in contents]


def plain_pickles() -> list[bytes]:
    """Plain data in every protocol, with what numpy, OrderedDict and a path add to it."""
    import numpy as np

    value: dict[Any, Any] = {"a": [1, 2.5, None, True, "ü", b"\xff", (), {1, 2}], (1, "x"): 2**70}
    value |= {"n": np.float64(0.5), "o": OrderedDict(x=1), "p": Path("a/b"), "f": frozenset({1})}
    return [pickle.dumps(value, protocol) for protocol in range(5)]


def read_pickle(path: Path) -> None:
    """A pickle, and all that is asked of its contents."""
    from headlab.checkpoint.plain import as_plain
    from headlab.checkpoint.pt.foreign import running_warning, unknown_remark
    from headlab.checkpoint.pt.unpickle import unpickle

    found = unpickle(path.read_bytes(), path.name)
    as_plain(found.root, 8)
    running_warning(found)
    unknown_remark(found)


@cache
def small_pickle() -> bytes:
    """The pickle of a network that is nothing but a head with two levels."""
    sys.path.insert(0, str(ROOT / "tests" / "checkpoint" / "pt"))
    import pickles  # type: ignore[import-not-found]

    made: bytes = pickles.checkpoint(
        pickles.detector(pickles.convolution("c", 2), pickles.convolution("c", 2))
    )
    return made


def small_archive(data_pkl: bytes) -> bytes:
    """That pickle, or another, in an archive with its storages."""
    small_pickle()
    import pickles

    with tempfile.TemporaryDirectory() as folder:
        made: bytes = pickles.zipped(Path(folder) / "m.pt", data_pkl).read_bytes()
    return made


def read_model(path: Path) -> None:
    """All that `inspect` and `diff` ask of a model file."""
    from headlab.families.read import read
    from headlab.families.table import family_of
    from headlab.model import Model

    checkpoint = read(path)
    family_of(checkpoint).warnings(checkpoint)
    family_of(checkpoint).losses(checkpoint)
    _ = checkpoint.settings, checkpoint.metadata
    Model(checkpoint).inspect(params="*", explain=True).to_dict()


def manifests() -> list[bytes]:
    """The manifest of an edit that can be undone, and of one made in place."""
    from headlab.checkpoint.delta import Delta
    from headlab.checkpoint.manifest import FileFacts, Manifest

    digest = [hashlib.sha256(each).hexdigest() for each in (b"0123456789", b"0123abcdef")]
    before, after = FileFacts("in.pt", digest[0], 10), FileFacts("m.pt", digest[1], 10)
    delta = Delta(((0, 4), (-1, 6)), b"456789")
    recipe = {"version": 1, "operations": [{"op": "shift", "by": 1}]}
    plain = Manifest(before, after, (recipe,), delta, companions={".names": b"a\n"})
    nested = Manifest(before, after, (recipe,), delta, previous=json.loads(plain.to_json()))
    packed = base64.b64encode(zlib.compress(bytes(1 << 20))).decode()
    bomb = {**json.loads(plain.to_json()), "undo": {"pieces": [[-1, 1 << 20]], "literals": packed}}
    return [plain.to_json(), nested.to_json(), json.dumps(bomb).encode()]


def read_manifest(path: Path) -> None:
    """Undo the edit that a manifest describes."""
    from headlab.model import undo

    output = path.with_name("restored.pt")
    try:
        undo(path.with_name("m.pt"), output)
    finally:
        for each in path.parent.glob("restored*"):
            each.unlink()


def description() -> Any:
    """A YOLOv3-tiny of two classes."""
    from headlab.checkpoint.yolov3.description import Description

    anchors = tuple((float(10 * n), float(12 * n)) for n in range(1, 7))
    return Description("yolov3-tiny", anchors, ((3, 4, 5), (0, 1, 2)), ("ant", "bee"))


def cfgs() -> list[bytes]:
    """The cfg of that network."""
    from headlab.checkpoint.yolov3.darknet.cfg_text import cfg_text

    return [cfg_text(description()).encode()]


def read_cfg(path: Path) -> None:
    """A darknet cfg."""
    from headlab.checkpoint.yolov3.darknet.cfg import description_of
    from headlab.checkpoint.yolov3.darknet.sections import read_sections

    description_of(read_sections(path), None, path)


def read_description(path: Path) -> None:
    """The description in an `.h5` or `.safetensors` file."""
    from headlab.checkpoint.yolov3.description_json import from_text

    from_text(path.read_bytes(), path.name)


def descriptions() -> list[bytes]:
    """The description of that network as JSON."""
    from headlab.checkpoint.yolov3.description_json import to_text

    return [to_text(description()).encode()]


def safetensors() -> list[bytes]:
    """The head of a safetensors file with headlab's description; the numbers are left out."""
    from headlab.checkpoint.yolov3.description_json import to_text

    metadata = {"format": "headlab", "headlab": to_text(description()), "layout": "[]"}
    header = json.dumps({"__metadata__": metadata}).encode()
    return [len(header).to_bytes(8, "little") + header]


def read_names(path: Path) -> None:
    """A file of class names."""
    from headlab.files.class_names import read_class_names

    read_class_names(path)


def read_recipe(path: Path) -> None:
    """A recipe of edits."""
    from headlab.edit.recipe import load

    load(path)


def read_yaml(path: Path) -> None:
    """A YAML file of any kind."""
    from headlab.files.yaml_file import read_yaml as read

    read(path)


def read_anchors(path: Path) -> None:
    """A file of anchors."""
    from headlab.heads.anchor_files import read_anchor_set

    read_anchor_set(path)


def read_config(path: Path) -> None:
    """A training's configuration."""
    from headlab.train.configuration.file import load

    load(path)


def reader_of(path: str) -> Callable[[Path], object]:
    """A reader of the annotations in a file or folder, recognised as every command recognises them."""

    def read(file: Path) -> None:
        from headlab.boxes.reading import read as read_boxes

        folder = next(each for each in file.parents if each.name.startswith("tmp"))
        read_boxes(folder / path, assume_size=(40, 60))

    return read


VOC = """<annotation><filename>a.jpg</filename><size><width>60</width><height>40</height><depth>3</depth>
</size><object><name>ant</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax>
<ymax>20.5</ymax></bndbox></object></annotation>
"""
COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 60, "height": 40}],
        "categories": [{"id": 3, "name": "ant"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 30, 20.5], "iscrowd": 0}
        ],
    }
)
YOLO_YAML = "path: .\ntrain: images\nval: images\nnames:\n  0: ant\n  1: bee\nnc: 2\n"


def yolo_photo() -> dict[str, bytes]:
    """The photo of a YOLO data set."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (60, 40)).save(file, "PNG")
    return {"images/a.png": file.getvalue()}


def yolo_folder() -> dict[str, bytes]:
    """The other files of a YOLO data set."""
    return {**yolo_photo(), "data.yaml": YOLO_YAML.encode()}


PARSERS = (
    Parser("pickle", "data.pkl", plain_pickles, read_pickle),
    Parser("pt", "m.pt", lambda: [small_pickle()], read_model, wrap=small_archive),
    Parser("pt-archive", "m.pt", lambda: [small_archive(small_pickle())], read_model),
    Parser(
        "manifest", "m.pt.headlab.json", manifests, read_manifest, lambda: {"m.pt": b"0123abcdef"}
    ),
    Parser("cfg", "m.cfg", cfgs, read_cfg),
    Parser(
        "weights",
        "m.weights",
        lambda: [bytes((0, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0)) + bytes(208)],
        read_model,
        lambda: {"m.cfg": cfgs()[0], "m.names": b"ant\nbee\n"},
    ),
    Parser("names", "m.names", texts("ant\nbee\n", "猫\n犬\n", "0: ant\n1: bee\n"), read_names),
    Parser("description", "m.json", descriptions, read_description),
    Parser("safetensors", "m.safetensors", safetensors, read_model),
    Parser(
        "keras",
        "train.txt",
        texts("a.jpg 1,2,30,20,0 5,5,9,9.5,1\nfolder/b c.jpg 3,3,8,8,1\nd.jpg\n"),
        reader_of("train.txt"),
        lambda: {"classes.txt": b"ant\nbee\n"},
    ),
    Parser("voc", "Annotations/a.xml", texts(VOC), reader_of("")),
    Parser("coco", "coco.json", texts(COCO), reader_of("coco.json")),
    Parser(
        "yolo",
        "labels/a.txt",
        texts("0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n", "1 .5 .5 .25 1\n"),
        reader_of("data.yaml"),
        yolo_folder,
    ),
    Parser("data-yaml", "data.yaml", texts(YOLO_YAML), reader_of("data.yaml"), yolo_photo),
    Parser(
        "csv",
        "boxes.csv",
        texts("filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,60,40,ant,1,2,30,20\n"),
        reader_of("boxes.csv"),
    ),
    Parser(
        "recipe",
        "recipe.yaml",
        texts(
            "version: 1\noperations:\n- {op: shift, levels: P4, by: 1}\n- {op: rename, names: {ant: bee}}\n"
        ),
        read_recipe,
    ),
    Parser(
        "yaml", "any.yaml", texts("a: 1\nb: [x, 2.5, null]\nc: {d: &e yes, f: *e}\n"), read_yaml
    ),
    Parser(
        "config",
        "train.yaml",
        texts("variant: yolov3-tiny\nbatch: 2\nstage1:\n  epochs: 1\n"),
        read_config,
    ),
    Parser(
        "anchors",
        "anchors.txt",
        texts("10,13, 16,30, 33,23, 30,61, 62,45, 59,119, 116,90, 156,198, 373,326\n"),
        read_anchors,
    ),
    Parser(
        "anchors-json",
        "anchors.json",
        texts('{"anchors": [[10, 13], [16, 30]], "masks": [[1], [0]], "imgsz": [416, 416]}'),
        read_anchors,
    ),
)


def arguments() -> Iterator[tuple[Parser, int, int]]:
    """The parsers that were asked for, with the number of inputs and the seed."""
    options = argparse.ArgumentParser(description="Fuzz headlab's parsers.")
    options.add_argument("parsers", nargs="*", metavar="PARSER", help="by default all")
    options.add_argument(
        "--count", type=int, default=100_000, help="inputs for each; default 100,000"
    )
    options.add_argument("--seed", type=int, default=0, help="another one gives other inputs")
    options.add_argument("--list", action="store_true", help="list the parsers")
    given = options.parse_args()
    known = {parser.name: parser for parser in PARSERS}
    if given.list:
        print("\n".join(known))
        return
    unknown = [name for name in given.parsers if name not in known]
    if unknown:
        options.error(f"no parser {unknown[0]!r}; there are {', '.join(known)}")
    for name in given.parsers or known:
        yield known[name], given.count, given.seed


def main() -> int:
    """Fuzz the parsers; 1 if one failed."""
    warnings.simplefilter("ignore")
    kinds = [run(*each) for each in arguments()]
    return int(any(kinds))


if __name__ == "__main__":
    sys.exit(main())
