"""What training leaves in a file: slots of optimizers, counters, moving averages of weights.

None of it is a weight of the network, and a conversion leaves it out. It is told by names that the
programs themselves give::

    conv/weights/Momentum, conv/weights/Adam_1        TensorFlow 1: a slot has its variable's name
    conv/weights/ExponentialMovingAverage
    layer/kernel/.OPTIMIZER_SLOT/optimizer/m          TensorFlow 2
    optimizer_weights/..., optimizer/3                Keras 2 and 3
    optimizer.state.0.exp_avg, optimizer_states.0...  PyTorch's state_dict, Lightning
    opt_state/0/mu/params/...                         optax
    keras_api/metrics/0/total                         Keras's metrics
    bn.num_batches_tracked, global_step, bn/N         counters

Sources: tensorflow v2.16.1 python/training/slot_creator.py (_create_slot_var) and
moving_averages.py; keras 2.15 src/saving/legacy/hdf5_format.py
(save_optimizer_weights_to_hdf5_group); lightning 2.4
pytorch/trainer/connectors/checkpoint_connector.py (dump_checkpoint); torch 2.6
nn/modules/batchnorm.py; chainer 7 links/normalization/batch_normalization.py (N).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from math import prod

from uniconv._canonical.record import Shape

# Slots of TensorFlow 1, by the names of the optimizers' classes; Adam and others have a second one.
_SLOT = re.compile(
    r"(?P<of>.+)/(?P<slot>(?:Momentum|Adam|AdamW|LAMB|AdaMax|Adagrad|Adadelta|RMSProp|Ftrl)(?:_\d)?"
    r"|adam_[mv]|LARSOptimizer|ExponentialMovingAverage|ema)"
)
_OPTIMIZERS = {
    *("optimizer", "optimizers", "optimizer_weights", "optimizer_state", "optimizer_states"),
    *("optimizer_state_dict", "opt_state", "optim", "optim_state", "lr_scheduler", "lr_schedulers"),
    *("keras_optimizer", ".OPTIMIZER_SLOT"),
}
_AVERAGES = {"ema", "model_ema", "ema_model", "state_dict_ema", "ema_state_dict", "ema_params"}
_AVERAGES |= {"params_ema", "module_ema"}
_COUNTERS = {
    *("global_step", "step", "iter", "iteration", "iterations", "epoch", "save_counter"),
    *("num_batches_tracked", "beta1_power", "beta2_power", "num_updates"),
}


def training_state(name: str, shape: Shape, names: Collection[str]) -> tuple[str, str] | None:
    """What of training an array is, in words, and the array it belongs to ("" for none).

    ``names`` are those of all arrays: a slot is one only where its variable is there, a moving
    average only where something else is.

    >>> training_state("a/w/Momentum", (3,), ["a/w", "a/w/Momentum"])
    ('optimizer slot of a/w', 'a/w')
    >>> training_state("step", (), ["step", "w"]), training_state("step", (3, 4), ["step"])
    (('counter', ''), None)
    """
    parts = re.split(r"[./|]", name.removesuffix(":0"))
    slot = _SLOT.fullmatch(name.removesuffix(":0"))
    if slot:
        owner = _owner(slot["of"], names)
        if owner:
            average = slot["slot"] in ("ExponentialMovingAverage", "ema")
            return f"{'moving average' if average else 'optimizer slot'} of {owner}", owner
    if _OPTIMIZERS & {*parts[:-1]} or "/.OPTIMIZER_SLOT/" in name:
        return "optimizer's state", ""
    if "metrics" in parts[:2] and len(parts) > 2:
        return "metric", ""  # Keras's SavedModels: keras_api/metrics/0/total
    if len(parts) > 2 and parts[0] == "training" and parts[1][:1].isupper():
        return "optimizer's state", ""  # Keras on TensorFlow 1: training/Adam/...
    if parts[0] in _AVERAGES and len(parts) > 1:
        others = [n for n in names if re.split(r"[./|]", n)[0] not in _AVERAGES]
        return ("moving averages of the weights", "") if others else None
    scalar = len(shape) < 2 and prod(shape) == 1
    if scalar and (parts[-1] in _COUNTERS or _counts_batches(name, parts[-1], names)):
        return "counter", ""
    return None


def left_by_training(shapes: Mapping[str, Shape]) -> dict[str, str]:
    """The arrays that are no weights of the network, each with what of training it is.

    >>> left_by_training({"a/w": (3, 2), "a/w/Momentum": (3, 2)})
    {'a/w/Momentum': 'optimizer slot of a/w'}
    """
    states = {name: training_state(name, shape, shapes) for name, shape in shapes.items()}
    return {name: state[0] for name, state in states.items() if state}


def _owner(name: str, names: Collection[str]) -> str:
    """The variable of a slot: of that name, or of what is left of it without the outer scopes."""
    # tf.name_scope("train") puts its word before the slots, not before the variables.
    while name not in names and f"{name}:0" not in names:
        _, slash, name = name.partition("/")
        if not slash:
            return ""
    return name


def _counts_batches(name: str, leaf: str, names: Collection[str]) -> bool:
    """Whether an N is that of Chainer's BatchNormalization, which has it beside its mean."""
    return leaf == "N" and f"{name[:-1]}avg_mean" in names
