"""The original's .pth files: a dict of tensors in, with nothing in the file executed; a dict of tensors out."""

import io
import pickle
import re
import tarfile
import warnings
from pathlib import Path

from gluon_wgan.errors import UserError
from gluon_wgan.params_files import is_params_file


def import_torch():
    """Return the module torch, which only these files need; raises UserError if it is not installed."""
    try:
        import torch
    except ImportError as error:
        allowed = "`make parity`, or pip install -e '.[parity]', installs it; only .pth files need it"
        raise UserError("torch", f"not installed ({error})", allowed) from error
    return torch


def read_state_dict(path):
    """Return the tensors of a .pth file, {name: numpy array} in its order, without copying them.

    Parameters
    ----------
    path : str or pathlib.Path
        Zip format or that of torch before 1.6.

    Raises
    ------
    UserError
        If it is no such file, holds other things than dense tensors of numbers, or torch is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(path, "a folder" if path.is_dir() else "no such file", "a .pth file, such as netG_epoch_24.pth")
    if is_params_file(path):
        # GluonCV's script names its files .pth too
        raise UserError(path, "a file of MXNet", "one of PyTorch; `convert_checkpoint.py import` takes GluonCV's too")
    torch = import_torch()
    allowed = "a state dict that torch.save wrote: names and tensors, no code"
    if tarfile.is_tarfile(path):  # torch would make a folder to unpack it in before it refuses
        raise UserError(path, "a tar archive, an old format of torch's, or a file of zeros", allowed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formats: it reads them or raises
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a foreign file: whatever its decoder stumbles over
        raise UserError(path, _reason(error, path), allowed) from error
    if not isinstance(content, dict):
        raise UserError(path, f"a {type(content).__name__}", allowed)
    arrays = {}
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            given = f"{str(name)[:80]!r} of type {type(tensor).__name__}"
            raise UserError(path, given, f"{allowed} (of the networks alone, not of a whole training)")
        arrays[name] = _as_numpy(torch, name, tensor, path)
    return arrays


def _as_numpy(torch, name, tensor, path):
    allowed = "a dense tensor of float32 (num_batches_tracked: int64)"
    if tensor.layout is not torch.strided or tensor.is_nested or tensor.device.type != "cpu":
        raise UserError(path, f"{name} of layout {tensor.layout} on {tensor.device}", allowed)
    if tensor.dtype not in (torch.float32, torch.int64, torch.float16, torch.bfloat16, torch.float64):
        raise UserError(path, f"{name} of type {str(tensor.dtype).removeprefix('torch.')}", allowed)
    # A view with stride 0 claims any size without having it.
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise UserError(path, f"{name} of shape {tuple(tensor.shape)}, repeated from fewer numbers", allowed)
    tensor = tensor.detach().resolve_neg()
    if tensor.is_floating_point():
        if not torch.isfinite(tensor).all():
            raise UserError(path, f"{name} with values that are not finite", "weights from before training diverged")
        narrow = tensor.float()  # float16 and bfloat16 fit in it, float64 may not
        if tensor.dtype == torch.float64 and not torch.equal(narrow.double(), tensor):
            given = f"{name} of type float64, with values that float32 would round"
            raise UserError(path, given, "float32, or values that are the same in it")
        tensor = narrow
    return tensor.numpy()


def _reason(error, path):
    if path.stat().st_size == 0:
        return "an empty file"
    message = str(error)
    if isinstance(error, pickle.UnpicklingError):
        # torch's own message goes on to explain how to execute the file all the same
        found = re.search(r"(?:WeightsUnpickler error: *|GLOBAL )(\S[^\n]{0,120})", message)
        detail = found[1] if found else "it holds more than names and tensors, or is no file of torch"
        return f"no plain state dict; nothing in it was executed ({detail})"
    return (
        f"a damaged file, or none of torch ({type(error).__name__}: {message.splitlines()[0][:120] if message else ''})"
    )


def state_dict_bytes(arrays):
    """Return {name: numpy array} as the bytes of a file that the original's torch.load reads."""
    torch = import_torch()
    stream = io.BytesIO()
    torch.save({name: torch.from_numpy(array.copy()) for name, array in arrays.items()}, stream)
    return stream.getvalue()
