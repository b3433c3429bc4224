"""Everything that decides how a training goes; the same values in YAML and on the command line.

    data: {train: bccd, train_split: train, val_split: val}
    variant: yolov3-tiny
    start: yolov3-tiny.weights
    stage1: {epochs: 4, freeze: backbone}

The defaults are those of keras-yolo3's train.py, apart from its flaws (docs/training.md lists them);
`compat: keras-yolo3` brings those back. A section that is given in part keeps the other values of its
default: `stage1: {epochs: 4}` still freezes all but the heads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from headlab.checkpoint.yolov3.architecture import LARGEST_STRIDE_PX
from headlab.train.configuration.values import (
    LARGEST_SIDE_PX,
    Anchors,
    Count,
    Factor,
    Formats,
    Fraction,
    Freeze,
    Masks,
    NotNegative,
    Positive,
    Size,
    Weights,
)


class Section(BaseModel):
    """A frozen group of values; a name that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _over_defaults(cls, given: Any) -> Any:
        """Fill up a section that is given in part from the section that is the default; yes is no number."""
        if not isinstance(given, Mapping):
            return given
        filled = dict(given)
        for name, field in cls.model_fields.items():
            part = filled.get(name)
            if isinstance(field.default, Section) and isinstance(part, Mapping):
                filled[name] = {**dict(field.default), **part}
            elif isinstance(part, bool) and field.annotation in (int, float):
                filled[name] = str(part).lower()  # YAML's yes; pydantic would take it for 1
        return filled


class DataConfig(Section):
    """Which photos and boxes."""

    train: str = Field("", description="Annotations to train on, of any format.")
    val: str | None = Field(
        None, description="Annotations to validate on, if they stand elsewhere."
    )
    train_split: str | None = Field(
        None, description="The split to train on; train where there is one."
    )
    val_split: str | None = Field(
        None, description="The split to validate on; val or valid where there is one."
    )
    val_fraction: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1, description="The share split off for validation where there is no such split."
    )
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(
        10101, description="Of that split, which is keras-yolo3's."
    )
    format: Literal["keras", "yolo", "voc", "coco"] | None = Field(
        None, description="Of the annotations; recognised by default."
    )
    images: str | None = Field(None, description="The folder with the photos.")
    classes: str | None = Field(None, description="A file with the class names, one per line.")


class StageConfig(Section):
    """One of the two stages."""

    epochs: Annotated[int, Field(ge=0)] = Field(50, description="How many; 0 leaves the stage out.")
    freeze: Freeze = Field(
        "none",
        description="What stays as it is: all but the last convolutions, the backbone, or nothing.",
    )
    lr: Positive = Field(1e-3, description="Adam's learning rate.")
    schedule: Literal["constant", "plateau", "cosine"] = Field(
        "constant", description="How the rate goes on."
    )
    warmup: Annotated[int, Field(ge=0)] = Field(
        0, description="Steps in which the rate rises from 0 to its value."
    )
    lr_patience: Count = Field(
        3, description="plateau: epochs without a better validation before the rate falls."
    )
    lr_factor: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="plateau: what the rate is multiplied by then."
    )
    stop_patience: Annotated[int, Field(ge=0)] = Field(
        0, description="Epochs without a better validation before the stage ends; 0: never."
    )


class AugmentConfig(Section):
    """How photos are varied for training; validation photos are only letterboxed."""

    enabled: bool = Field(True, description="Vary the photos at all, beyond letterboxing.")
    jitter: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.3, description="The aspect ratio changes by up to (1 + j) / (1 - j)."
    )
    scale_min: Positive = Field(0.25, description="Smallest size of a photo within the input.")
    scale_max: Positive = Field(2.0, description="Largest size of a photo within the input.")
    hflip: Fraction = Field(0.5, description="Probability of mirroring left and right.")
    vflip: Fraction = Field(0.0, description="Probability of mirroring top and bottom.")
    hue: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.1, description="Largest turn of the hue, of a whole turn."
    )
    saturation: Factor = Field(1.5, description="Largest factor of the saturation, or 1 / factor.")
    value: Factor = Field(1.5, description="Largest factor of the brightness, or 1 / factor.")
    min_visible: Fraction = Field(
        0.2, description="A box of which less is left after cropping is no truth."
    )
    mosaic: Fraction = Field(0.0, description="Probability of putting four photos together.")
    multi_scale: Annotated[int, Field(ge=0)] = Field(
        0, description="Draw another input size every so many batches; 0: never."
    )
    multi_scale_min: int = Field(320, description="Smallest side then, in px.")
    multi_scale_max: Annotated[int, Field(le=LARGEST_SIDE_PX)] = Field(
        608, description="Largest side then, in px."
    )

    @model_validator(mode="after")
    def _ranges(self) -> AugmentConfig:
        if self.scale_min > self.scale_max:
            raise ValueError(
                f"scale_min {self.scale_min:g} is larger than scale_max {self.scale_max:g}"
            )
        least, most = self.multi_scale_min, self.multi_scale_max
        if least <= 0 or least > most or least % LARGEST_STRIDE_PX or most % LARGEST_STRIDE_PX:
            raise ValueError(
                f"multi_scale_min {least} to multi_scale_max {most} is no range of multiples of "
                f"{LARGEST_STRIDE_PX} px"
            )
        return self


class LossConfig(Section):
    """The loss; see `headlab.yolov3.loss_options.LossOptions`."""

    ignore_thresh: Fraction = Field(
        0.5, description="From this IoU with a truth on, a candidate is no background."
    )
    ignore_truths: Literal["image", "level"] = Field(
        "image", description="Which truths that goes for: all of the image, or its level's."
    )
    box: Literal["xywh", "giou", "ciou"] = Field("xywh", description="The terms of the box.")
    box_weight: NotNegative = Field(1.0, description="What they are multiplied by.")
    focal_gamma: NotNegative = Field(0.0, description="Of the focal loss on confidence; 0: off.")
    focal_alpha: Fraction | None = Field(None, description="The weight of positives there.")
    label_smoothing: Fraction = Field(0.0, description="Class bits become e / 2 and 1 - e / 2.")
    class_weights: Weights | None = Field(
        None, description="By class, what the class term is multiplied by."
    )


class TrainConfig(Section):
    """A whole training."""

    data: DataConfig = DataConfig()
    variant: Literal["yolov3", "yolov3-spp", "yolov3-tiny"] | None = Field(
        None, description="The network; by default that of the start, or yolov3."
    )
    start: str | None = Field(
        None, description="Weights to start from: darknet, Keras .h5, or headlab's own."
    )
    start_cfg: str | None = Field(None, description="The network of darknet weights to start from.")
    anchors: Anchors = Field(
        "start",
        description="fit: to the training boxes; start: those of the start, or the network's "
        "usual ones; a file; or widths and heights in input px.",
    )
    masks: Masks | None = Field(
        None, description="By level, coarsest first, the numbers of its anchors."
    )
    imgsz: Size = Field(
        (416, 416), description="Height and width of the input in px; one number for both."
    )
    batch: Count = Field(8, description="Photos per step, on each device.")
    stage1: StageConfig = StageConfig(freeze="heads-only")
    stage2: StageConfig = StageConfig(lr=1e-4, schedule="plateau", stop_patience=10)
    weight_decay: NotNegative = Field(
        0.0, description="L2 on the kernels, as part of the gradient."
    )
    clip_norm: NotNegative = Field(0.0, description="Largest norm of the gradient; 0: any.")
    norm_momentum: Annotated[float, Field(gt=0, le=1)] = Field(
        0.01, description="The weight of a new batch in the running statistics of batch norm."
    )
    augment: AugmentConfig = AugmentConfig()
    loss: LossConfig = LossConfig()
    monitor: Literal["loss", "AP", "AP50"] = Field(
        "loss", description="What makes a validation better: its loss, or its average precision."
    )
    evaluate_every: Annotated[int, Field(ge=0)] = Field(
        1, description="Reckon average precision every so many epochs; 0: never."
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(0, description="Of everything random.")
    compat: Literal["keras-yolo3"] | None = Field(
        None, description="Targets, loss and augmentation of that project, flaws included."
    )
    formats: Formats = Field(
        ("safetensors",), description="How to save the weights: safetensors, darknet, h5."
    )
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = Field(
        "32-true", description="What the network reckons in; weights stay in single precision."
    )
    compile: bool = Field(False, description="Compile the network with torch.compile.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where to train.")
    devices: Count = Field(1, description="Processes, each with its own device, on each machine.")
    num_nodes: Count = Field(1, description="Machines.")
    workers: Annotated[int, Field(ge=0)] = Field(2, description="Processes that load photos.")
    debug: bool = Field(
        False,
        description="One process, no workers, no compiling, deterministic, anomalies detected.",
    )

    _remarks: tuple[str, ...] = PrivateAttr(())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is uncertain about the file that the values come from, in sentences."""
        return self._remarks

    def with_remarks(self, remarks: Iterable[str]) -> TrainConfig:
        """The same values with such remarks."""
        copied = self.model_copy()
        copied._remarks = tuple(remarks)
        return copied

    @model_validator(mode="after")
    def _goes_together(self) -> TrainConfig:
        for found in self._contradictions():
            raise ValueError(found)
        return self

    def _contradictions(self) -> Iterator[str]:
        """What the single values do not show."""
        if any(side <= 0 or side % LARGEST_STRIDE_PX for side in self.imgsz):
            height, width = self.imgsz
            yield (
                f"imgsz {height},{width}: height and width must be multiples of "
                f"{LARGEST_STRIDE_PX} px"
            )
        if max(self.imgsz) > LARGEST_SIDE_PX:
            yield f"imgsz {max(self.imgsz)} px: {LARGEST_SIDE_PX} px are the most"
        if not self.stage1.epochs and not self.stage2.epochs:
            yield "stage1.epochs and stage2.epochs are both 0, so that nothing is trained"
        if self.monitor != "loss" and not self.evaluate_every:
            yield f"monitor is {self.monitor}, which evaluate_every 0 never reckons"
        if self.precision == "16-mixed" and self.device == "cpu":
            yield "precision 16-mixed needs a GPU, and device is cpu; bf16-mixed works there"
        if self.masks is not None and not isinstance(self.anchors, str):
            most = max((number for mask in self.masks for number in mask), default=-1)
            if most >= len(self.anchors):
                yield f"masks name anchor {most}, and the last anchor is {len(self.anchors) - 1}"
