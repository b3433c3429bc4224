"""Every value that decides how a training goes: in YAML, on the command line and in Python.

    data: {train: bccd, train_split: train, val_split: val}
    variant: yolov3-tiny
    start: yolov3-tiny.weights
    stage1: {epochs: 4, freeze: backbone}

The defaults are those of keras-yolo3's train.py without its flaws (docs/training.md lists them);
`compat: keras-yolo3` restores the flaws. A section that is given in part keeps its other defaults:
`stage1: {epochs: 4}` still freezes what has start weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from headlab.checkpoint.yolov3.architecture import LARGEST_STRIDE_PX
from headlab.train.configuration.values import (
    LARGEST_SIDE_PX,
    Anchors,
    AnnotationFormat,
    BoxTerms,
    Compat,
    Count,
    Device,
    Factor,
    Formats,
    Fraction,
    FreezeChoice,
    IgnoreTruths,
    Masks,
    Monitor,
    NotNegative,
    PathText,
    Positive,
    Precision,
    Schedule,
    Size,
    Variant,
    Weights,
)


class Section(BaseModel):
    """A frozen group of values; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _over_defaults(cls, given: Any) -> Any:
        """Complete a section that is given in part from its default; refuse yes as a number."""
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

    train: PathText = Field("", description="Annotations to train on, of any format.")
    val: PathText | None = Field(
        None, description="Annotations to validate on, if these are separate ones."
    )
    train_split: str | None = Field(
        None, description="The split to train on. By default train, if there is one."
    )
    val_split: str | None = Field(
        None, description="The split to validate on. By default val or valid, if there is one."
    )
    val_fraction: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1, description="Fraction of the photos held out for validation without such a split."
    )
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(
        10101, description="Random seed of that choice; the default is keras-yolo3's."
    )
    format: AnnotationFormat | None = Field(
        None, description="Format of the annotations. By default recognised."
    )
    images: PathText | None = Field(None, description="The folder with the photos.")
    names: PathText | None = Field(None, description="A file with the class names, one per line.")
    encoding: str | None = Field(
        None, description="Encoding of the annotations and class names. By default recognised."
    )


class StageConfig(Section):
    """One of the two stages."""

    epochs: Annotated[int, Field(ge=0)] = Field(
        50, description="Number of epochs; 0 skips the stage."
    )
    freeze: FreezeChoice = Field(
        "none",
        description="What is frozen: everything but the last convolutions (heads-only), the "
        "backbone, or nothing (none); auto: the first of these that has start weights.",
    )
    lr: Positive = Field(1e-3, description="Learning rate of Adam.")
    schedule: Schedule = Field("constant", description="Learning rate schedule.")
    warmup: Annotated[int, Field(ge=0)] = Field(
        0, description="Warm-up: steps over which the learning rate rises to lr."
    )
    lr_patience: Count = Field(
        3, description="plateau: epochs without improvement before the learning rate is reduced."
    )
    lr_factor: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="plateau: the factor that it is reduced by."
    )
    stop_patience: Annotated[int, Field(ge=0)] = Field(
        0, description="Epochs without improvement before the stage stops early; 0: never."
    )


class AugmentConfig(Section):
    """How photos are augmented for training; validation photos are only letterboxed."""

    enabled: bool = Field(True, description="Augment photos, rather than letterbox them only.")
    jitter: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.3, description="Aspect ratio jitter j: a factor of up to (1 + j) / (1 - j)."
    )
    scale_min: Positive = Field(
        0.25, description="Smallest scale of a photo; at 1 it just fits the input."
    )
    scale_max: Positive = Field(2.0, description="Largest scale of a photo.")
    hflip: Fraction = Field(0.5, description="Probability of a horizontal flip.")
    vflip: Fraction = Field(0.0, description="Probability of a vertical flip.")
    hue: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.1, description="Hue jitter, as a fraction of the colour circle."
    )
    saturation: Factor = Field(
        1.5, description="Saturation jitter: the largest factor, or 1 / factor."
    )
    value: Factor = Field(1.5, description="Brightness jitter: the largest factor, or 1 / factor.")
    min_visible: Fraction = Field(
        0.2, description="Drop a box if less than this fraction of it is left after cropping."
    )
    mosaic: Fraction = Field(0.0, description="Probability of a mosaic of four photos.")
    multi_scale: Annotated[int, Field(ge=0)] = Field(
        0, description="Draw a new input size every so many batches; 0: never."
    )
    multi_scale_min: int = Field(320, description="multi_scale: smallest side of the input, in px.")
    multi_scale_max: Annotated[int, Field(le=LARGEST_SIDE_PX)] = Field(
        608, description="multi_scale: largest side of the input, in px."
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
                f"multi_scale_min {least} to multi_scale_max {most} is not a range of multiples of "
                f"{LARGEST_STRIDE_PX} px"
            )
        return self


class LossConfig(Section):
    """The loss; see `headlab.yolov3.loss_options.LossOptions`."""

    ignore_thresh: Fraction = Field(
        0.5, description="A candidate with at least this IoU with a truth is not background."
    )
    ignore_truths: IgnoreTruths = Field(
        "image", description="Which truths: all in the image, or those of the candidate's level."
    )
    box: BoxTerms = Field("xywh", description="The box loss.")
    box_weight: NotNegative = Field(1.0, description="Weight of the box loss.")
    focal_gamma: NotNegative = Field(
        0.0, description="Gamma of a focal loss for confidence; 0: off."
    )
    focal_alpha: Fraction | None = Field(None, description="Its alpha: the weight of positives.")
    label_smoothing: Fraction = Field(
        0.0, description="Label smoothing e: class targets become e / 2 and 1 - e / 2."
    )
    class_weights: Weights | None = Field(
        None, description="Weights of the class loss, one per class."
    )


class TrainConfig(Section):
    """A whole training."""

    data: DataConfig = DataConfig()
    variant: Variant | None = Field(
        None, description="The network. By default that of the start weights, or yolov3."
    )
    start: PathText | None = Field(
        None, description="Weights to start from: darknet, Keras .h5 or headlab's own."
    )
    start_cfg: PathText | None = Field(
        None, description="The network (.cfg) of darknet weights to start from."
    )
    anchors: Anchors = Field(
        "start",
        description="fit: fitted to the training boxes; start: those of the start weights, or the "
        "network's usual ones; a file; or widths and heights in input px.",
    )
    masks: Masks | None = Field(
        None, description="For each level, coarsest first, the numbers of its anchors."
    )
    imgsz: Size = Field(
        (416, 416), description="Height and width of the input in px; one number for both."
    )
    batch: Count = Field(8, description="Photos per step on each device.")
    stage1: StageConfig = StageConfig(freeze="auto")
    stage2: StageConfig = StageConfig(lr=1e-4, schedule="plateau", stop_patience=10)
    weight_decay: NotNegative = Field(
        0.0, description="Weight decay of the kernels (L2, part of the gradient)."
    )
    clip_norm: NotNegative = Field(0.0, description="Clip the gradient to this norm; 0: never.")
    norm_momentum: Annotated[float, Field(gt=0, le=1)] = Field(
        0.01, description="Weight of a new batch in batch norm's running statistics."
    )
    augment: AugmentConfig = AugmentConfig()
    loss: LossConfig = LossConfig()
    monitor: Monitor = Field(
        "loss", description="What the best epoch is chosen by, on the validation photos."
    )
    evaluate_every: Annotated[int, Field(ge=0)] = Field(
        1, description="Compute average precision every so many epochs; 0: never."
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(0, description="Random seed.")
    compat: Compat | None = Field(
        None, description="Use that project's targets, loss and augmentation, flaws included."
    )
    formats: Formats = Field(
        ("safetensors",), description="File formats of the weights: safetensors, darknet, h5."
    )
    precision: Precision = Field(
        "32-true", description="Precision of the computation; weights stay in single precision."
    )
    compile: bool = Field(False, description="Compile the network with torch.compile.")
    device: Device = Field(
        "auto", description="Where to train: auto, cpu, cuda, or one GPU such as cuda:0."
    )
    devices: Count = Field(
        1, description="Number of devices on each machine, with one process for each."
    )
    num_nodes: Count = Field(1, description="Number of machines.")
    workers: Annotated[int, Field(ge=0)] = Field(
        2, description="Processes that load photos, for each device."
    )
    debug: bool = Field(
        False,
        description="One process, no workers, no compiling, deterministic, anomaly detection.",
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
        for contradiction in self._contradictions():
            raise ValueError(contradiction)
        return self

    def _contradictions(self) -> Iterator[str]:
        """What is wrong with values that are right on their own."""
        if any(side <= 0 or side % LARGEST_STRIDE_PX for side in self.imgsz):
            height, width = self.imgsz
            yield (
                f"imgsz {height},{width}: height and width must be multiples of "
                f"{LARGEST_STRIDE_PX} px"
            )
        if max(self.imgsz) > LARGEST_SIDE_PX:
            yield f"imgsz {max(self.imgsz)} px: at most {LARGEST_SIDE_PX} px are allowed"
        if not self.stage1.epochs and not self.stage2.epochs:
            yield "stage1.epochs and stage2.epochs are both 0, so that nothing is trained"
        if self.monitor != "loss" and not self.evaluate_every:
            yield f"monitor is {self.monitor}, which evaluate_every 0 never computes"
        if self.precision == "16-mixed" and self.device == "cpu":
            yield "precision 16-mixed needs a GPU, and device is cpu; bf16-mixed works there"
        if ":" in self.device and self.devices > 1:
            yield f"device {self.device} is one GPU, and devices is {self.devices}; say device cuda"
        if self.masks is not None and not isinstance(self.anchors, str):
            last = max((number for mask in self.masks for number in mask), default=-1)
            if last >= len(self.anchors):
                yield f"masks name anchor {last}, and the last anchor is {len(self.anchors) - 1}"
