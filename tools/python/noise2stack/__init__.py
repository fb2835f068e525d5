"""Noise2Stack: restores noisy image stacks by learning from the stack itself (Papkov et al. 2020).

Each plane of a stack is predicted from its neighbours, so nothing but the noisy stack is needed:

>>> import noise2stack
>>> restored = noise2stack.restore(noisy, steps=20)

Images are arrays: NumPy's, or anything that has ``__array__``, ``__array_interface__`` or ``__dlpack__``, in memory or
memory-mapped, of any layout, byte order and numeric type. Results are NumPy arrays of the same shape and type. Arrays of
dask, Zarr or h5py that are larger than 64 MiB are read a few planes at a time, and ``out`` may be one of Zarr or h5py. Options
have the names of the command line's (``n2s restore --help``): ``steps``, ``minutes``, ``net``, ``planes``, ``method``,
``device``, ``precision``, ``seed``, ``threads`` and so on. The same options and seed give the same bits as the program.
"""
from __future__ import annotations

import json as _json
import operator as _operator
import os as _os
import sys as _sys
import tempfile as _tempfile
import warnings as _warnings
from typing import Any, Callable, Dict, Literal, NamedTuple, Optional, Sequence, Tuple, Union, overload

import numpy as _np

from . import _core

__all__ = ['Error', 'Interrupted', 'Model', 'Progress', 'bars', 'bm3d', 'denoise', 'devices', 'evaluate', 'inspect', 'nlm',
           'restore', 'train']
__version__ = _core.version()

_TYPES = {name: number for number, name in enumerate(
    ('uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64', 'float16', 'float32', 'float64'))}

OptionValue = Union[str, int, float, bool, None, Sequence[float]]


class Error(RuntimeError):
    """Data, a file or a device that is not as it has to be; the text says what to do."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C has ended a training.

    Attributes
    ----------
    model : Model or None
        What had been learned.
    """

    def __init__(self, text: str, model: Optional[Model] = None):
        super().__init__(text)
        self.model = model


class Progress(NamedTuple):
    """What a progress callback gets.

    Attributes
    ----------
    stage : str
        Such as "training" or "restoring".
    unit : str
        What is counted: "steps", "planes".
    done, total : int
    note : str
        Such as the current loss.
    """
    stage: str
    unit: str
    done: int
    total: int
    note: str


ProgressCallback = Callable[[Progress], Any]
NoteCallback = Callable[[str], Any]


def bars(tqdm: Callable[..., Any]) -> ProgressCallback:
    """A progress callback that draws bars with tqdm, one for each stage.

    Parameters
    ----------
    tqdm : class
        ``tqdm.tqdm``, ``tqdm.notebook.tqdm`` or the like.

    Examples
    --------
    >>> from tqdm import tqdm                                           # doctest: +SKIP
    >>> restored = noise2stack.restore(noisy, progress=noise2stack.bars(tqdm))    # doctest: +SKIP
    """
    bar, stage = None, None

    def report(progress: Progress) -> None:
        nonlocal bar, stage
        if bar is None or stage != progress.stage:
            if bar is not None:
                bar.close()
            bar, stage = tqdm(total=progress.total, desc=progress.stage, unit=' ' + progress.unit), progress.stage
        bar.total = progress.total
        bar.set_postfix_str(progress.note, refresh=False)
        bar.update(progress.done - bar.n)
        if progress.done >= progress.total:
            bar.close()
            bar = None

    return report


_LARGE = 64 << 20  # bytes: from here on arrays that are not in memory are worked on a few planes at a time


def _unmasked(array: Any, what: str) -> _np.ndarray:
    """An array of NumPy's own. NumPy, dask and netCDF4 have masked ones."""
    if _np.ma.is_masked(array):
        raise TypeError(f'{what}: has masked values, of which nothing is known; fill them first, as filled(numpy.nan) does')
    return _np.asarray(array)


class _Planes:
    """A large array of dask, Zarr, h5py or the like, of which planes are read and written when they are needed."""

    def __init__(self, array: Any):
        self.array = array
        self.shape, self.dtype = tuple(array.shape), _np.dtype(array.dtype)
        self.ndim = len(self.shape)
        self.native = self.dtype.newbyteorder('=')
        self.raised: Optional[BaseException] = None

    def transfer(self, what: str, first: int, count: int, address: int) -> None:
        shape = (count, *self.shape[-2:])
        size = int(_np.prod(shape)) * self.native.itemsize
        memory = (_ctypes().c_char * size).from_address(address)
        planes = _np.frombuffer(memory, self.native).reshape(shape)
        try:
            for place, part in self._parts(first, count):
                if what == 'read':
                    planes[part] = _unmasked(self.array[place], 'the array')
                else:
                    self.array[place] = planes[part].astype(self.dtype, copy=False)
        except Exception as error:
            self.raised = error
            raise

    def _parts(self, first: int, count: int):
        """Consecutive planes: along the only leading axis together, else one by one."""
        if self.ndim == 3:
            yield slice(first, first + count), slice(0, count)
            return
        for i in range(count):
            yield tuple(int(n) for n in _np.unravel_index(first + i, self.shape[:-2])), i


def _ctypes():
    import ctypes
    return ctypes


def _image(array: Any, what: str):
    """The same memory as an array of NumPy where that is possible; planes of what is large and elsewhere."""
    if isinstance(array, _Planes):
        return array
    if not isinstance(array, _np.ndarray) and all(hasattr(array, name) for name in ('shape', 'dtype', '__getitem__')):
        known = _np.dtype(array.dtype)
        size = known.itemsize * int(_np.prod(array.shape))
        if size > _LARGE and len(array.shape) > 2 and not hasattr(array, '__dlpack__') and not hasattr(array, '__array_interface__'):
            if known.newbyteorder('=').name not in _TYPES:
                raise TypeError(f'{what}: samples of type {known}; integers or floats are needed')
            return _Planes(array)
    if not isinstance(array, _np.ndarray) and hasattr(array, '__dlpack__') and not hasattr(array, '__array__'):
        array = _np.from_dlpack(array)
    image = _unmasked(_np.asanyarray(array), what)
    if image.dtype.name not in _TYPES:
        raise TypeError(f'{what}: samples of type {image.dtype}; integers or floats are needed')
    return image if image.dtype.isnative else image.astype(image.dtype.newbyteorder('='))


def _lent(image, axes: str):
    if isinstance(image, _Planes):
        if not axes.endswith('YX'):
            raise ValueError(f'axes {axes}: of an array that is read plane by plane the last two are Y and X; move them there')
        return (0, _TYPES[image.native.name], list(image.shape), [0] * image.ndim, axes, image.transfer)
    return (image.ctypes.data, _TYPES[image.dtype.name], list(image.shape), list(image.strides), axes, None)


def _names(image, axis: Optional[int], axes: Optional[str], what: str) -> str:
    """The names of the axes, of which `axis` counts the planes."""
    if axes is not None and axis is not None:
        raise ValueError('axis and axes: give one of them')
    if axes is not None:
        return axes.upper()
    if image.ndim == 2:
        return 'YX'
    if image.ndim != 3:
        raise ValueError(f'{what}: an array of {image.ndim} dimensions; say what they are with axes, such as '
                         f'axes="{"CZYX" if image.ndim == 4 else "TCZYX"}"')
    position = 0 if axis is None else _operator.index(axis)
    if not -3 <= position < 3:
        raise ValueError(f'axis={axis}: {what} has 3 dimensions')
    names = ['Y', 'X']
    names.insert(position % 3, 'Z')
    return ''.join(names)


def _values(options: dict) -> dict:
    """Options as the command line has them."""
    values: dict[str, Optional[str]] = {}
    for name, value in options.items():
        name = name.replace('_', '-')
        if value is None or value is False:
            continue
        if value is True:
            values[name] = None
        elif isinstance(value, str) or _np.isscalar(value):
            values[name] = value if isinstance(value, str) else format(value, '.17g') if isinstance(value, float) else str(value)
        elif isinstance(value, _os.PathLike):
            values[name] = _os.fspath(value)
        else:
            values[name] = ','.join(format(part, '.17g') for part in value)
    return values


def _callback(progress: Optional[ProgressCallback]):
    return progress and (lambda *fields: progress(Progress(*fields)))


def _notes(note: Optional[NoteCallback]) -> NoteCallback:
    """Without a callback warnings are Python's, of the line that has called this package."""
    def warn(text: str) -> None:
        if text.startswith('warning: '):
            level, frame = 1, _sys._getframe()
            while frame.f_back is not None and frame.f_code.co_filename == __file__:
                level, frame = level + 1, frame.f_back
            _warnings.warn(text.removeprefix('warning: '), stacklevel=level)

    return note or warn


def _run(call, images, *arguments):
    """Calls the library; what an array has raised when it was asked for planes is raised here."""
    try:
        return call(*arguments)
    except Error as error:
        for image in images:
            if isinstance(image, _Planes) and image.raised is not None:
                raise image.raised from error
        raise


def _in_order_of(result: _np.ndarray, stack: Any) -> _np.ndarray:
    """The result in the stack's byte order."""
    dtype = getattr(stack, 'dtype', None)
    if not isinstance(dtype, _np.dtype) or dtype.isnative or dtype.kind not in 'iuf':
        return result
    return result.byteswap(True).view(dtype)


def _ended(cancelled: bool, model: Optional[Model] = None) -> None:
    if cancelled:
        raise Interrupted('interrupted' + ('; what was learned is in the attribute model' if model else ''), model)


_PICKLED = 'model.safetensors'


def _unpickled(files: Dict[str, bytes], record: Optional[dict]) -> Model:
    with _tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = _os.path.join(folder, name)
            _os.makedirs(_os.path.dirname(path), exist_ok=True)
            with open(path, 'wb') as file:
                file.write(content)
        return Model(_core.Model.load(_os.path.join(folder, _PICKLED)), record)


class Model:
    """A trained network, with all that is needed to use it.

    Made by :func:`train`, :func:`restore` or :meth:`load`.
    """

    def __init__(self, core: _core.Model, record: Optional[dict] = None):
        self._core = core
        self._record = record

    @classmethod
    def load(cls, path: Union[str, _os.PathLike]) -> Model:
        """Loads a model file (.safetensors) or the model of a run's folder.

        Raises
        ------
        Error
            Where there is none, or it is damaged.
        """
        return cls(_core.Model.load(_os.fspath(path)))

    def save(self, path: Union[str, _os.PathLike], overwrite: bool = False) -> None:
        """Writes a model file (.safetensors), or a folder where each channel has a network of its own.

        Examples
        --------
        >>> model = noise2stack.train(noisy, steps=5)
        >>> model.save('brain.safetensors', overwrite=True)
        >>> restored = noise2stack.Model.load('brain.safetensors').denoise(noisy)
        """
        self._core.save(_os.fspath(path), overwrite)

    def __reduce__(self):
        """For pickle, and so for copies, joblib, dask: the files that save() writes."""
        with _tempfile.TemporaryDirectory() as folder:
            self.save(_os.path.join(folder, _PICKLED))
            files = {}
            for place, _, names in _os.walk(folder):
                for name in names:
                    path = _os.path.join(place, name)
                    with open(path, 'rb') as file:
                        files[_os.path.relpath(path, folder)] = file.read()
        return _unpickled, (files, self._record)

    def denoise(self, stack: Any, axis: Optional[int] = None, *, axes: Optional[str] = None, out: Optional[_np.ndarray] = None,
                progress: Optional[ProgressCallback] = None, note: Optional[NoteCallback] = None,
                **options: OptionValue) -> _np.ndarray:
        """Restores a stack with this network.

        Parameters
        ----------
        stack : array
            The noisy stack.
        axis : int
            That along which the planes are stacked (default: the first).
        axes : str
            Names of all axes out of T, C, Z, Y and X, such as "TCZYX"; needed for more than three.
        out : array
            Gets the result; of the stack's shape. NumPy's, or one that planes can be assigned to, such as Zarr's.
            Default: a new array of the stack's type.
        progress, note : callable
            Called with a :class:`Progress`, or with a line of text. Without ``note`` warnings are Python's.
        **options
            Of ``n2s denoise``: ``levels``, ``tile``, ``memory``, ``device`` ...

        Returns
        -------
        numpy.ndarray
            Of the stack's shape and type.

        Examples
        --------
        >>> model = noise2stack.train(noisy, steps=5)
        >>> restored = model.denoise(noisy)
        >>> restored.shape == noisy.shape and restored.dtype == noisy.dtype
        True
        """
        image, result, names = _in_and_out(stack, axis, axes, out)
        _, _, cancelled = _run(_core.denoise, (image, result), self._core, _lent(image, names), _lent(result, names),
                                  _values(options), _callback(progress), _notes(note))
        _ended(cancelled)
        return out if out is not None else _in_order_of(result, stack)

    @property
    def record(self) -> Optional[dict]:
        """What is known of its training, as ``n2s train --json`` prints it; None for a loaded model."""
        return self._record

    def describe(self) -> dict:
        """Network, method, input planes, normalisation and so on."""
        return _json.loads(self._core.describe())

    def __repr__(self) -> str:
        known = self.describe()
        if 'network' not in known:
            return f'<noise2stack.Model, a network for each of {len(known)} channels>'
        return f'<noise2stack.Model {", ".join(known[key] for key in ("network", "method") if key in known)}>'


def _in_and_out(stack, axis, axes, out):
    image = _image(stack, 'stack')
    names = _names(image, axis, axes, 'stack')
    if out is None:
        out = _np.empty(image.shape, image.native) if isinstance(image, _Planes) else _np.empty_like(image, subok=False)
    elif not isinstance(out, _np.ndarray) and all(hasattr(out, name) for name in ('shape', 'dtype', '__setitem__')):
        if tuple(out.shape) != tuple(image.shape):
            raise ValueError(f'out: an array of shape {tuple(image.shape)} is needed')
        out = _Planes(out)
    elif not isinstance(out, _np.ndarray) or out.shape != image.shape or not out.flags.writeable:
        raise ValueError(f'out: a writable array of shape {image.shape} is needed')
    elif out.dtype.name not in _TYPES or not out.dtype.isnative:
        raise TypeError(f'out: samples of type {out.dtype}; native integers or floats are needed')
    if not _np.can_cast(image.dtype, out.dtype) and not (out.dtype.kind == 'f' and out.dtype.itemsize >= 4):
        raise TypeError(f'out: samples of type {out.dtype} do not hold all of {image.dtype}')
    return image, out, names


@overload
def restore(stack: Any, axis: Optional[int] = ..., *, axes: Optional[str] = ..., out: Optional[_np.ndarray] = ...,
            progress: Optional[ProgressCallback] = ..., note: Optional[NoteCallback] = ...,
            return_model: Literal[False] = ..., **options: OptionValue) -> _np.ndarray: ...
@overload
def restore(stack: Any, axis: Optional[int] = ..., *, axes: Optional[str] = ..., out: Optional[_np.ndarray] = ...,
            progress: Optional[ProgressCallback] = ..., note: Optional[NoteCallback] = ...,
            return_model: Literal[True], **options: OptionValue) -> Tuple[_np.ndarray, Model]: ...
def restore(stack: Any, axis: Optional[int] = None, *, axes: Optional[str] = None, out: Optional[_np.ndarray] = None,
            progress: Optional[ProgressCallback] = None, note: Optional[NoteCallback] = None, return_model: bool = False,
            **options: OptionValue) -> Union[_np.ndarray, Tuple[_np.ndarray, Model]]:
    """Learns from a noisy stack alone and restores it.

    Parameters
    ----------
    stack : array
        The noisy stack.
    axis : int
        That along which the planes are stacked (default: the first).
    axes : str
        Names of all axes out of T, C, Z, Y and X, such as "TCZYX"; needed for more than three.
    out : array
        Gets the result; of the stack's shape. NumPy's, or one that planes can be assigned to, such as Zarr's.
        Default: a new array of the stack's type.
    progress, note : callable
        Called with a :class:`Progress`, or with a line of text. Without ``note`` warnings are Python's.
    return_model : bool
        Whether to return the network as well.
    **options
        Of ``n2s restore``: ``steps`` or ``minutes`` (default: 5 minutes), ``net`` ("mri" for scans of a head, else
        "microscopy", the default), ``planes``, ``method``, ``seed``, ``device``, ``run`` (a folder to keep) ...

    Returns
    -------
    numpy.ndarray, or (numpy.ndarray, Model)
        Of the stack's shape and type.

    Raises
    ------
    Error
        For a stack that cannot be restored; the text says why.
    ValueError
        For an option that is unknown or has a wrong value.
    Interrupted
        After Ctrl-C; its attribute ``model`` is what had been learned.

    Examples
    --------
    >>> restored = noise2stack.restore(noisy, steps=10, seed=3)
    >>> restored, model = noise2stack.restore(noisy, steps=10, return_model=True)
    """
    image, result, names = _in_and_out(stack, axis, axes, out)
    core, record, cancelled = _run(_core.restore, (image, result), _lent(image, names), _lent(result, names), _values(options),
                                   _callback(progress), _notes(note))
    model = core and Model(core, _json.loads(record) if record else None)
    _ended(cancelled, model)
    result = out if out is not None else _in_order_of(result, stack)
    return (result, model) if return_model else result


def train(stacks: Any, axis: Optional[int] = None, *, targets: Any = None, axes: Optional[str] = None,
          progress: Optional[ProgressCallback] = None, note: Optional[NoteCallback] = None, **options: OptionValue) -> Model:
    """Trains a network on one or several stacks.

    Parameters
    ----------
    stacks : array or sequence of arrays
        Noisy stacks; several as a list or tuple.
    axis, axes, progress, note
        As for :func:`restore`.
    targets : array or sequence of arrays
        One for each stack: a second noisy copy or, with ``method="noise2clean"``, the clean stack.
    **options
        Of ``n2s train``: ``epochs`` (default: 100), ``steps`` or ``minutes``, ``net``, ``planes``, ``levels`` ...

    Returns
    -------
    Model

    Raises
    ------
    Interrupted
        After Ctrl-C; its attribute ``model`` is what had been learned.

    Examples
    --------
    >>> model = noise2stack.train([noisy, noisy[::-1]], steps=5, planes=2)
    """
    def lent(arrays, what):
        arrays = arrays if isinstance(arrays, (list, tuple)) else [arrays]
        images = [_image(array, what) for array in arrays]
        kept.extend(images)
        return [_lent(image, _names(image, axis, axes, what)) for image in images]

    kept: list = []
    core, record, cancelled = _run(_core.train, kept, lent(stacks, 'stacks'), [] if targets is None else lent(targets, 'targets'),
                                   _values(options), _callback(progress), _notes(note))
    model = core and Model(core, _json.loads(record) if record else None)
    _ended(cancelled, model)
    return model


def denoise(model: Union[Model, str, _os.PathLike], stack: Any, axis: Optional[int] = None, **arguments: Any) -> _np.ndarray:
    """:meth:`Model.denoise` with a model or the path of one."""
    return (model if isinstance(model, Model) else Model.load(model)).denoise(stack, axis, **arguments)


def _filtered(method, stack, axis, axes, out, progress, note, options):
    image, result, names = _in_and_out(stack, axis, axes, out)
    _, _, cancelled = _run(_core.filter, (image, result), method, _lent(image, names), _lent(result, names), _values(options),
                              _callback(progress), _notes(note))
    _ended(cancelled)
    return out if out is not None else _in_order_of(result, stack)


def bm3d(stack: Any, axis: Optional[int] = None, *, axes: Optional[str] = None, out: Optional[_np.ndarray] = None,
         progress: Optional[ProgressCallback] = None, note: Optional[NoteCallback] = None, **options: OptionValue) -> _np.ndarray:
    """Restores planes or a single image without learning: block matching and 3-D filtering (Dabov et al. 2007).

    The arguments are those of :meth:`Model.denoise`; options are those of ``n2s bm3d``: ``sigma``, ``noise`` ...

    Examples
    --------
    >>> restored = noise2stack.bm3d(noisy[0], sigma=10)
    """
    return _filtered('bm3d', stack, axis, axes, out, progress, note, options)


def nlm(stack: Any, axis: Optional[int] = None, *, axes: Optional[str] = None, out: Optional[_np.ndarray] = None,
        progress: Optional[ProgressCallback] = None, note: Optional[NoteCallback] = None, **options: OptionValue) -> _np.ndarray:
    """Restores planes or a single image without learning: non-local means (Buades et al. 2005).

    The arguments are those of :meth:`Model.denoise`; options are those of ``n2s nlm``.

    Examples
    --------
    >>> restored = noise2stack.nlm(noisy, sigma=10)
    """
    return _filtered('nlm', stack, axis, axes, out, progress, note, options)


def evaluate(result: Any, truth: Any, axis: Optional[int] = None, *, axes: Optional[str] = None,
             note: Optional[NoteCallback] = None, **options: OptionValue) -> dict:
    """PSNR, SSIM and NRMSE of a result against the truth.

    Parameters
    ----------
    result, truth : array
        Of the same shape.
    **options
        Of ``n2s evaluate``: ``range`` (of the data, for PSNR and SSIM), ``scale``, ``clamp``, ``affine`` ...

    Returns
    -------
    dict
        ``psnr`` (dB; None for identical images), ``ssim``, ``nrmse``: means over the planes; ``sd``, ``ci95``,
        ``planes``, ``per_plane``, ``how``.

    Examples
    --------
    >>> noise2stack.evaluate(noisy, noisy + 1, range=200)['psnr'] > 40
    True
    """
    measured, expected = _image(result, 'result'), _image(truth, 'truth')
    _, record, cancelled = _core.evaluate(_lent(measured, _names(measured, axis, axes, 'result')),
                                          _lent(expected, _names(expected, axis, axes, 'truth')), _values(options), _notes(note))
    _ended(cancelled)
    return _json.loads(record)


def inspect(stack: Any, axis: Optional[int] = None, *, axes: Optional[str] = None, note: Optional[NoteCallback] = None,
            **options: OptionValue) -> dict:
    """Measures what a noisy stack is like, and says how to restore it.

    Returns
    -------
    dict
        What ``n2s inspect --json`` prints.

    Examples
    --------
    >>> sorted(noise2stack.inspect(noisy))[:2]
    ['axes', 'axes_from']
    """
    image = _image(stack, 'stack')
    _, record, cancelled = _core.inspect(_lent(image, _names(image, axis, axes, 'stack')), _values(options), _notes(note))
    _ended(cancelled)
    return _json.loads(record)


def devices() -> dict:
    """The devices that the option ``device`` may name, with what is known of them.

    Examples
    --------
    >>> 'cpu' in noise2stack.devices()
    True
    """
    return _json.loads(_core.devices())
