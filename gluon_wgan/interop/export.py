"""From a run of ours to the files of the original PyTorch code, or to ONNX."""

import json
import logging
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import nd

from gluon_wgan import streams
from gluon_wgan.checkpoint import load_weights, open_checkpoint, read_arrays
from gluon_wgan.errors import UserError
from gluon_wgan.files import check_writable, write_atomic
from gluon_wgan.interop.blocks import shapes_of
from gluon_wgan.interop.generator_config import generator_config
from gluon_wgan.interop.layout import count_name, critic_layout, generator_layout
from gluon_wgan.interop.torch_files import import_torch, state_dict_bytes
from gluon_wgan.models import build_generator
from gluon_wgan.models.sampling import require_pictures, sample
from gluon_wgan.models.transposed import FromLatent, ToPicture

log = logging.getLogger(__name__)

_ONNX_TOLERANCE = 1e-5  # float32 sums in another order: 1e-7 to 1.5e-6 was measured on tiny ones


def export_torch(run, out):
    """Write netG_epoch_N.pth, netD_epoch_N.pth and generator_config.json, which the original code loads strictly.

    A critic that the original does not have (with LayerNorm, say) is left out; the generator goes alone.

    N is the number of generator steps (the original counts epochs). num_batches_tracked, for which Gluon has no slot,
    is what the imported file had (or had not), and 0 for networks trained here: PyTorch reads it only where a
    BatchNorm has no momentum, which the original's have.

    Parameters
    ----------
    run : str or pathlib.Path
        A run folder (its newest checkpoint is taken), or one checkpoint.
    out : str or pathlib.Path
        A folder, made if need be, in which these files are not yet, or are the same.

    Returns
    -------
    list of pathlib.Path
        The files.

    Raises
    ------
    UserError
        If there is no whole checkpoint, another file would be overwritten, or torch is not installed.
    """
    import_torch()  # before anything is made
    checkpoint, settings, state = open_checkpoint(run)
    generator, critic = shapes_of(settings)
    names = [f"net{letter}_epoch_{state['generator_steps']}.pth" for letter in "GD"]
    layouts = {"generator": generator_layout(generator)}
    if critic is None:
        log.info("the critic, %s, is left out: the original code has none such", settings.critic)
    elif "critic" not in state.get("imported", {"critic": None}):
        log.info("the critic is left out: none was imported")
    else:
        layouts["critic"] = critic_layout(critic)
    counts, contents = state.get("num_batches_tracked", {}), {}
    for (network, layout), name in zip(layouts.items(), names):
        values = read_arrays(checkpoint / f"{network}.params")
        contents[name] = state_dict_bytes(_state_dict(values, layout, counts.get(network)))
    contents["generator_config.json"] = (json.dumps(generator_config(settings)) + "\n").encode()
    files = _new_files(out, contents)
    for file, content in zip(files, contents.values()):
        write_atomic(file, content)
    return files


def _state_dict(values, layout, counts):
    """Return {original's name: array}; counts None: 0 for each BatchNorm."""
    arrays = {}
    for entry in layout:
        array = values[entry.name].asnumpy()
        arrays[entry.torch_name] = -array if entry.negated else array
        if entry.kind == "running_var":
            name = count_name(entry)
            if counts is None or name in counts:
                arrays[name] = np.array(0 if counts is None else counts[name], np.int64)
    return arrays


def export_onnx(run, out):
    """Write generator.onnx, for batches of any size, and check it with onnxruntime where that is installed.

    BatchNorm takes the running statistics: a graph for inference has no batch mode. The original, and the samples of
    most presets, take the batch's, and so show other pictures.

    Parameters
    ----------
    run : str or pathlib.Path
        A run folder (its newest checkpoint is taken), or one checkpoint.
    out : str or pathlib.Path
        A folder, made if need be, without a generator.onnx.

    Returns
    -------
    list of pathlib.Path
        The file.

    Raises
    ------
    UserError
        If there is no whole checkpoint, or it is of a language model (MXNet writes no 1-D convolution), the file is
        there already, onnx is not installed (or is too new for MXNet), or onnxruntime draws other pictures.
    """
    try:
        import onnx
        from onnx import mapping  # noqa: F401, what MXNet needs of it, and what later versions lack
    except ImportError as error:
        allowed = "onnx 1.14.1 (MXNet 1.9.1 cannot work with the newest); `make parity` or pip install -e '.[parity]'"
        raise UserError("onnx", f"not installed, or too new ({error})", allowed) from error
    checkpoint, settings, _ = open_checkpoint(run)
    require_pictures(settings)
    (file,) = _new_files(out, {"generator.onnx": None})
    generator = build_generator(settings)
    load_weights(checkpoint / "generator.params", generator)
    partial = file.with_name(".generator.onnx.partial")
    try:
        _write_onnx(partial, generator, settings.latent_numbers)
        model = onnx.load(str(partial))
        # MXNet lists the weights as inputs too, which forbids a runtime to take them for constants
        inputs = [given for given in model.graph.input if given.name == "latent"]
        del model.graph.input[:]
        model.graph.input.extend(inputs)
        onnx.save(model, str(partial))
        _check_onnx(partial, generator, settings)
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)
    log.info("BatchNorm takes the running statistics in generator.onnx (generate.py: --bn-mode running)")
    return [file]


def _write_onnx(file, generator, latent_dim):
    parameters = {name: parameter.data() for name, parameter in generator.collect_params().items()}
    latents = (latent_dim, 1, 1)
    generator.apply(_only_forward)
    disabled = logging.root.manager.disable
    logging.disable(logging.INFO)  # MXNet tells the name of this file, which is not the final one, to the root logger
    try:
        mx.onnx.export_model(
            generator(mx.sym.var("latent")),
            parameters,
            [(1, *latents)],
            np.float32,
            str(file),
            dynamic=True,
            dynamic_input_shapes=[(None, *latents)],
        )
    finally:
        logging.disable(disabled)


def _only_forward(block):
    if isinstance(block, (FromLatent, ToPicture)):
        block.differentiable = False


def _check_onnx(file, generator, settings):
    """Compare onnxruntime's pictures with Gluon's, for two sizes of batch."""
    try:
        import onnxruntime
    except ImportError:
        log.warning("onnxruntime is not installed: generator.onnx was not checked")
        return
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for batch_size in (1, 3):
        latent = streams.normal(0, "onnx_check_latents", batch_size, (batch_size, settings.latent_numbers, 1, 1))
        theirs = session.run(None, {"latent": latent})[0]
        ours = sample(generator, nd.array(latent), "running")
        if theirs.shape != ours.shape:
            raise UserError("generator.onnx", f"pictures of shape {theirs.shape} by onnxruntime", f"{ours.shape}")
        error = float(np.abs(theirs - ours).max() / max(1, np.abs(ours).max()))
        # not >=: nan must fail too
        if not error < _ONNX_TOLERANCE:
            allowed = f"less than {_ONNX_TOLERANCE}; nothing was written"
            raise UserError("generator.onnx", f"a difference of {error:.1e} between onnxruntime and Gluon", allowed)
    log.info("checked with onnxruntime: largest difference %.1e", error)


def _new_files(folder, contents):
    """Make a folder and return the paths of files in it; raises UserError if one is there with another content.

    The same content may be there: an export that was killed between two files is given again.
    """
    folder = Path(folder)
    taken = [
        str(folder / name)
        for name, content in contents.items()
        if (folder / name).exists() and not ((folder / name).is_file() and (folder / name).read_bytes() == content)
    ]
    if taken:
        raise UserError("--out", f"{', '.join(taken)} (there already)", "a folder without these files")
    check_writable("--out", folder)
    folder.mkdir(parents=True, exist_ok=True)
    return [folder / name for name in contents]
