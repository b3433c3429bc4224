"""Answers to what users of other tools, or of other commands, would type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

ASSIGNMENT = re.compile(r"(?!--)([a-z][a-z_]*)=(.+)", re.S)
_ARGUMENTS = ("model", "source", "data")
_WORDS_OF_YOLO = (*_ARGUMENTS, "imgsz", "conf", "iou", "device", "classes", "epochs")

COMMANDS_ELSEWHERE = {
    "predict": "headlab trace MODEL SOURCE detects, and says where each detection comes from.",
    "detect": "headlab trace MODEL SOURCE detects, and says where each detection comes from.",
    "track": "headlab trace MODEL VIDEO detects on every frame; headlab does not track.",
    "val": "headlab evaluate MODEL DATA measures a model on annotated photos.",
    "test": "headlab evaluate MODEL DATA measures a model on annotated photos.",
    "eval": "headlab evaluate MODEL DATA measures a model on annotated photos.",
    "map": "headlab evaluate MODEL DATA measures a model on annotated photos.",
    "export": "headlab does not export; ultralytics does: yolo export model=MODEL. "
    "headlab convert changes the file format of YOLOv3 models.",
    "benchmark": "headlab evaluate MODEL DATA measures a model on annotated photos.",
    "fit": "headlab anchors fit DATA fits anchors, headlab train DATA trains.",
    "kmeans": "headlab anchors fit DATA fits anchors.",
    "autoanchor": "headlab anchors fit DATA fits anchors.",
    "calc_anchors": "headlab anchors fit DATA fits anchors.",
    "undo": "headlab edit MODEL --undo -o RESTORED takes an edit back.",
    "info": "headlab inspect MODEL shows a model's head.",
    "show": "headlab inspect MODEL shows a model's head.",
    "stats": "headlab boxes stats DATA describes annotated boxes.",
    "check": "headlab boxes check DATA checks annotations, headlab anchors check ANCHORS DATA anchors.",
    "help": "headlab --help lists the commands, headlab COMMAND --help explains one.",
}

OPTIONS_ELSEWHERE = {
    "--csv": "Say -o FILE.csv.",
    "--parquet": "Say -o FILE.parquet.",
    "--plot": "Say -o FILE.png or -o FILE.svg.",
    "--out": "Say -o FILE.",
    "--class": "Say --classes A,B.",
    "--source": "Sources follow the model, without an option: headlab trace MODEL SOURCE.",
    "--model": "The model comes first, without an option: headlab trace MODEL SOURCE.",
    "--weights": "The model comes first, without an option: headlab trace MODEL SOURCE.",
    "--data": "The annotations have no option: headlab evaluate MODEL DATA.",
    "--img": "Say --imgsz N, or --imgsz H,W.",
    "--img-size": "Say --imgsz N, or --imgsz H,W.",
    "--size": "Say --imgsz N, or --imgsz H,W.",
    "--conf-thres": "Say --conf.",
    "--conf-thresh": "Say --conf.",
    "--thresh": "Say --conf.",
    "--iou-thres": "Say --iou.",
    "--nms": "Say --iou for the NMS threshold, --end2end for the branch without NMS.",
    "--project": "Say -o for the result, --save DIR for pictures.",
    "--name": "Say -o for the result, --save DIR for pictures.",
    "--save-txt": "Say -o FILE.csv.",
    "--save-json": "Say -o FILE.json.",
    "--batch-size": "Say --batch.",
    "--lr": "Say --stage1.lr and --stage2.lr.",
    "--epochs": "Say --stage1.epochs and --stage2.epochs.",
}


def for_command(name: str, known: Sequence[str]) -> str:
    """What to say of a command that headlab does not have.

    Args:
        name: as the user wrote it.
        known: the names of the commands that there are.
    """
    if name.lower() in COMMANDS_ELSEWHERE:
        return COMMANDS_ELSEWHERE[name.lower()]
    import difflib

    nearest = difflib.get_close_matches(name.lower(), known, n=2, cutoff=0.5)
    if nearest:
        return f"Did you mean {' or '.join(nearest)}?"
    if re.search(r"[./\\\\]", name):
        return f"A command comes first, such as headlab inspect {shlex.quote(name)}."
    return f"Commands: {', '.join(known)}."


OF_TRAINING = {
    "--weights": "Say --start FILE for the weights to begin with.",
    "--model": "Say --start FILE for the weights to begin with, --variant for the network.",
    "--data": "The annotations have no option: headlab train DATA.",
}
"""What `train` answers instead."""


def for_option(option: str, known: Sequence[str]) -> str:
    """What to say of an option that a command does not have; empty if there is nothing to say.

    Args:
        option: as the user wrote it, with its dashes.
        known: the options that the command has.
    """
    trains = "--start" in known
    answer = (trains and OF_TRAINING.get(option)) or OPTIONS_ELSEWHERE.get(option, "")
    needed = re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*(?:\.[a-z]+)*", answer)
    return answer if all(name in known for name in needed) else ""


def for_assignments(arguments: Sequence[str]) -> str:
    """What to say of arguments in the way of the command yolo, such as model=yolov8n.pt; else empty."""
    given = [
        match
        for before, text in zip(["", *arguments], arguments, strict=False)
        if not before.startswith("-") and (match := ASSIGNMENT.fullmatch(text))
    ]
    words = [(match[1], match[2]) for match in given if match[1] in _WORDS_OF_YOLO]
    if not words:
        return ""
    plain = [shlex.quote(value) for word, value in words if word in _ARGUMENTS]
    options = [f"--{word} {shlex.quote(value)}" for word, value in words if word not in _ARGUMENTS]
    return f"headlab takes no NAME=VALUE: write {' '.join([*plain, *options])}."
