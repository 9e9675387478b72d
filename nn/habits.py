"""Names that other libraries have for a model, for nn and for options: what to write here."""

from __future__ import annotations

from collections.abc import Iterable

from tinygrad_edu import errors

__all__ = ["MEANT", "MODULE", "NAMES", "OTHERWISE", "missing_name"]

_TRAINER = "nn.Trainer(model, loss, optimizer)"
_CPU = "model itself, since all runs on the CPU"
_NO_DEVICE = "no device, since all runs on the CPU"
_SIZE = "sum(p.size for p in model.parameters())"

MODULE = {
    # PyTorch
    "cpu": _CPU, "cuda": _CPU, "share_memory": _CPU, "device": _NO_DEVICE,
    "type": "model.to(dtype)", "add_module": "setattr(model, name, module)",
    "register_module": "setattr(model, name, module)",
    "register_parameter": "setattr(model, name, nn.Parameter(values))",
    "get_submodule": "dict(model.named_modules())[path]",
    "get_parameter": "dict(model.named_parameters())[path]",
    "get_buffer": "dict(model.named_buffers())[path]",
    "register_backward_hook": "model.register_full_backward_hook(hook)",
    # Keras and scikit-learn
    "add": "model.append(module), of a Sequential", "pop": "del model[-1], of a Sequential",
    "insert": "a Sequential, which has insert", "extend": "a Sequential, which has extend",
    "layers": "list(model.children())", "weights": "list(model.parameters())",
    "trainable_weights": "list(model.parameters())", "get_weights": "model.state_dict()",
    "set_weights": "model.load_state_dict(state)", "trainable": "model.requires_grad_(False)",
    "compile": _TRAINER, "fit": f"{_TRAINER}.fit((x, y))",
    "evaluate": f"{_TRAINER}.evaluate((x, y))", "score": f"{_TRAINER}.evaluate((x, y))",
    "predict": "model.eval()(x), or nn.Trainer's predict(x)",
    "predict_proba": "nn.Softmax()(model.eval()(x))", "summary": "nn.summary(model, input_shape)",
    "count_params": _SIZE, "num_parameters": _SIZE, "build": "the sizes of inputs in each layer",
    "save": "nn.save(path, model)", "load": "nn.load(path, model)",
    "save_weights": "nn.save(path, model)", "load_weights": "nn.load(path, model)",
    # engines from scratch
    "backward": "loss.backward(), which gives every parameter its gradient",
    "step": "optimizer.step()", "update": "optimizer.step()", "params": "model.parameters()",
    "freeze": "model.requires_grad_(False)", "unfreeze": "model.requires_grad_()",
    "loss": "nn.mse_loss(model(x), y), or another loss",
}  # fmt: skip
"""What other libraries and projects call on a model -> what to write here."""

NAMES = {
    "Tensor": "from tinygrad_edu import Tensor", "grad": "from tinygrad_edu import grad",
    "utils": "nn.clip_grad_norm or nn.DataLoader, which stand in nn itself",
    "optimizers": "nn.optim",
    "initializers": "nn.init", "lr_scheduler": "nn.optim.lr_scheduler",
    "Model": "nn.Module, or nn.Sequential(...)", "models": "nn.Module, or nn.Sequential(...)",
    "Input": "nothing of it, since the layers are given the sizes of their inputs",
    "Activation": "nn.ReLU(), nn.Tanh() or another module", "Conv2DTranspose": "nn.ConvTranspose2d",
    "GlobalAveragePooling2D": "nn.AdaptiveAvgPool2d(1)", "MaxPooling2D": "nn.MaxPool2d",
    "AveragePooling2D": "nn.AvgPool2d", "BatchNormalization": "nn.BatchNorm1d or nn.BatchNorm2d",
    "LayerNormalization": "nn.LayerNorm", "SimpleRNN": "nn.RNN",
    "TensorDataset": "nn.Dataset(x, y)", "cuda": _NO_DEVICE, "device": _NO_DEVICE,
    "DataParallel": "the model itself, since all runs on the CPU",
    "set_grad_enabled": "with nn.no_grad()", "inference_mode": "with nn.no_grad()",
    "train": "nn.Trainer(model, loss, optimizer).fit((x, y))",
}  # fmt: skip
"""Names of other libraries that nn does not have -> what to write."""

MEANT: dict[str, tuple[str, ...]] = {
    # training
    "learning_rate": ("lr", "max_lr"), "rate": ("lr", "p"), "alpha": ("lr", "negative_slope"),
    "eta": ("lr",), "lr": ("max_lr",), "step": ("step_size",), "decay": ("weight_decay", "gamma"),
    "beta1": ("betas",), "beta_1": ("betas",), "epsilon": ("eps",), "params": ("parameters",),
    "batch": ("batch_size",), "num_epochs": ("epochs",), "n_epochs": ("epochs",),
    "epochs": ("T_max",), "verbose": ("progress",), "criterion": ("loss",), "loss_fn": ("loss",),
    "optim": ("optimizer",), "lr_scheduler": ("scheduler",),
    "validation_data": ("validation",), "val_data": ("validation",),
    "filepath": ("path",), "clipnorm": ("clip_norm",),
    "clipvalue": ("clip_value",), "max_norm": ("clip_norm",),
    # sizes
    "input_size": ("in_features", "input_size"), "input_shape": ("in_features", "input_size"),
    "input_dim": ("in_features", "num_embeddings", "input_size"), "n_inputs": ("in_features",),
    "inputs": ("in_features",), "in_dim": ("in_features",), "in_features": ("input_size",),
    "output_size": ("out_features",), "output_dim": ("out_features", "embedding_dim"),
    "units": ("out_features", "hidden_size"), "n_outputs": ("out_features",),
    "out_dim": ("out_features",), "out_features": ("hidden_size",), "hidden": ("hidden_size",),
    "hidden_dim": ("hidden_size",), "hidden_sizes": ("hidden",), "n_layers": ("num_layers",),
    "filters": ("out_channels",), "pool_size": ("kernel_size",), "kernel": ("kernel_size",),
    "vocab_size": ("num_embeddings",), "embed_dim": ("embedding_dim",), "heads": ("num_heads",),
    "n_heads": ("num_heads",), "nhead": ("num_heads",), "d_model": ("embed_dim",),
    # options
    "use_bias": ("bias",), "l2_lambda": ("l2",), "lambda_": ("l2",), "reg": ("l2",),
    "kernel_regularizer": ("l2",), "initializer": ("init",), "kernel_initializer": ("init",),
    "weight_init": ("init",), "prob": ("p",), "dropout": ("p",), "affine": ("elementwise_affine",),
    "dim": ("axis", "start_axis", "embedding_dim"), "start_dim": ("start_axis",),
    "keepdim": ("keepdims",), "weights": ("weight",), "size_average": ("reduction",),
    "reduce": ("reduction",), "smoothing": ("label_smoothing",),
}  # fmt: skip
"""What other libraries call an option -> what it may be called here."""

TOGETHER = "inputs and targets go in together, as in fit((x, y))"
_ONE_PROCESS = "batches are made when they are asked for, which costs little: leave it out"

OTHERWISE = {
    # data and training
    **dict.fromkeys(("x", "y", "X", "Y", "targets"), TOGETHER),
    **dict.fromkeys(("num_workers", "persistent_workers", "prefetch_factor"), _ONE_PROCESS),
    **dict.fromkeys(("pin_memory", "device"), "all runs on the CPU: leave it out"),
    "validation_split": "write train, validation = nn.Dataset(x, y).split(0.2) and give both",
    "collate_fn": "transform= is a function of the inputs of a whole batch",
    "sampler": "shuffle=True draws a new order for every epoch, and Dataset(...)[indices] chooses",
    "class_weight": "give the loss a weight for each class, as in CrossEntropyLoss(weight=[1, 5])",
    "sample_weight": "write a loss of your own that multiplies what reduction='none' gives",
    "steps_per_epoch": "an epoch is once around the data; a DataLoader decides what that is",
    "initial_epoch": "resume=path goes on from a file of ModelCheckpoint or trainer.save(path)",
    "save_weights_only": "the file also holds what training goes on from; nn.save writes a model",
    "verbose": "fit(..., progress=False) shows nothing, and what it returns prints as a table",
    "start_from_epoch": "a function among the callbacks can judge trainer.history itself",
    # models
    "activation": "an activation is a layer of its own: nn.Sequential(nn.Dense(2, 3), nn.ReLU())",
    "inplace": "results are new Tensors: leave it out",
    "from_logits": (
        "cross_entropy and binary_cross_entropy_with_logits take logits, nll_loss and "
        "binary_cross_entropy what comes out of a log-softmax or a sigmoid"
    ),
    "return_sequences": "the output has all steps; output[:, -1] is the last",
    "return_state": "the state is always returned, as in output, state = layer(x)",
    "training": "model.train() and model.eval() set the mode",
    "persistent": "assign an attribute for an array that does not belong to the state",
}
"""Options of other libraries that have no counterpart -> what there is instead."""


def missing_name(
    package: str, name: str, known: Iterable[str], functions: Iterable[str] = ()
) -> AttributeError:
    """For a name that a package does not have, though perhaps in other letters."""
    plain = name.lower().replace("_", "")
    same = [f"{package}.{each}" for each in known if each.lower().replace("_", "") == plain]
    same += [f"{package}.functional.{name}" for each in functions if each == name]
    instead = NAMES.get(name) or next(iter(same), "")
    if not instead:
        return errors.missing_function(package, name)
    return AttributeError(f"module {package!r} has no attribute {name!r}; write {instead}")
