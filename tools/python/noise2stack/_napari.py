"""The widget for napari: restores a layer by learning from it, and shows the plane in view as it gets better."""
from __future__ import annotations

import ast
import pathlib
import tempfile
import threading
from typing import Any, Optional

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QLineEdit, QProgressBar, QPushButton, QWidget

import noise2stack

METHODS = {'neighbouring planes': {}, 'hidden pixels (independent noise)': {'method': 'noise2self'},
           'even and odd planes': {'method': 'even-odd'}}


class Work(QObject):
    """A training in a thread of its own; what it finds reaches the widget as signals."""
    progressed = Signal(object)  # noise2stack.Progress
    previewed = Signal(object)  # the restored plane in view
    ended = Signal(object, object)  # the restored stack, or None and the error

    def __init__(self, stack: Any, axes: str, options: dict):
        super().__init__()
        self.stack, self.axes, self.options = stack, axes, options
        self.in_view: Optional[tuple] = None  # position along all axes but the last two
        self.stopping = False
        self.warnings: list = []
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.saved, self.shown = pathlib.Path(folder) / 'run' / 'last.safetensors', 0
            try:
                try:
                    result = noise2stack.restore(self.stack, axes=self.axes, progress=self.progress, note=self.note, run=str(self.saved.parent),
                                                 **self.options)
                except noise2stack.Interrupted as stopped:
                    if stopped.model is None:
                        raise
                    result = stopped.model.denoise(self.stack, axes=self.axes, note=self.note)
                self.ended.emit(result, None)
            except BaseException as error:
                self.ended.emit(None, error)

    def note(self, text: str) -> None:
        if text.startswith('warning: ') and text not in self.warnings:
            self.warnings.append(text)

    def progress(self, progress: noise2stack.Progress) -> None:
        self.progressed.emit(progress)
        if self.stopping:
            raise KeyboardInterrupt  # as Ctrl-C: what was learned is kept
        if self.saved.exists() and self.in_view is not None and self.saved.stat().st_mtime_ns != self.shown:
            self.shown = self.saved.stat().st_mtime_ns
            try:
                self.previewed.emit(self.preview())
            except noise2stack.Error:
                pass  # the training goes on, and says itself what is wrong

    def preview(self) -> np.ndarray:
        """The plane in view by the network as it is now."""
        model = noise2stack.Model.load(self.saved)
        known = model.describe()
        reach = known['planes'] // 2 + known['gap']
        along = self.axes.index('Z')
        plane = self.in_view[along]
        first = max(0, plane - reach)
        place = tuple(slice(first, plane + reach + 1) if i == along else position for i, position in enumerate(self.in_view))
        planes = np.asarray(self.stack[place])
        if len(planes) < 2 and reach > 0:
            return planes[0]
        return model.denoise(planes, levels='model', note=lambda text: None)[plane - first]


class Restore(QWidget):
    """Layer, axis and method; restores, stops, shows."""

    def __init__(self, napari_viewer: Any):
        super().__init__()
        self.viewer, self.work, self.source = napari_viewer, None, None
        self.layer, self.axis, self.method = QComboBox(), QComboBox(), QComboBox()
        self.method.addItems(list(METHODS))
        self.minutes = QDoubleSpinBox(decimals=1, minimum=0.1, maximum=10000, value=5)
        self.more = QLineEdit(placeholderText='such as planes=6, device="cpu"')
        self.start, self.stop = QPushButton('Restore'), QPushButton('Stop learning, restore now', enabled=False)
        self.bar, self.said = QProgressBar(textVisible=True), QLabel(wordWrap=True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        form = QFormLayout(self)
        for name, field in (('Image', self.layer), ('Planes along', self.axis), ('Learn from', self.method),
                            ('Minutes', self.minutes), ('More options', self.more)):
            form.addRow(name, field)
        for field in (self.start, self.stop, self.bar, self.said):
            form.addRow(field)
        self.start.clicked.connect(self.restore)
        self.stop.clicked.connect(self.stop_learning)
        self.layer.currentIndexChanged.connect(self.list_axes)
        for event in (self.viewer.layers.events.inserted, self.viewer.layers.events.removed):
            event.connect(self.list_layers)
        self.list_layers()

    def list_layers(self, event: Any = None) -> None:
        chosen = self.layer.currentText()
        self.layer.clear()
        self.layer.addItems([layer.name for layer in self.viewer.layers if isinstance(layer, Image) and not layer.rgb])
        self.layer.setCurrentText(chosen)

    def list_axes(self) -> None:
        self.axis.clear()
        if self.layer.currentText() in self.viewer.layers:
            layer = self.viewer.layers[self.layer.currentText()]
            self.axis.addItems([f'axis {i} ({n} planes)' for i, n in enumerate(layer.data.shape[:-2])])
            self.axis.setCurrentIndex(layer.ndim - 3)
            self.method.setCurrentIndex(1 if layer.ndim == 2 else 0)  # a single image has no neighbours

    def restore(self) -> None:
        if self.layer.currentText() not in self.viewer.layers:
            self.said.setText('Open an image first.')
            return
        layer = self.viewer.layers[self.layer.currentText()]
        if not 2 <= layer.ndim <= 5:
            self.said.setText(f'{layer.name}: has {layer.ndim} axes; 2 to 5 are needed')
            return
        try:  # as the arguments of a call: planes=6, device="cpu"
            call = ast.parse(f'f({self.more.text()})', mode='eval').body
            options = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
        except (SyntaxError, ValueError):
            self.said.setText('More options: write them as planes=6, device="cpu"')
            return
        if 'steps' not in options:
            options['minutes'] = self.minutes.value()
        axes = list('TC'[:max(0, layer.ndim - 3)])
        if layer.ndim > 2:
            axes.insert(self.axis.currentIndex(), 'Z')
        self.source = layer
        self.work = Work(layer.data[0] if layer.multiscale else layer.data, ''.join(axes) + 'YX',
                         {**METHODS[self.method.currentText()], **options})
        self.work.progressed.connect(self.show_progress)
        self.work.previewed.connect(self.show_preview)
        self.work.ended.connect(self.show_result)
        self.viewer.dims.events.current_step.connect(self.look)
        self.look()
        self.start.setEnabled(False)
        self.stop.setEnabled(True)
        self.said.setText('Learning ...')
        self.work.thread.start()

    def look(self, event: Any = None) -> None:
        """Previews are of the plane in view."""
        if self.work is not None and self.source.ndim > 2:
            position = np.round(self.source.world_to_data(self.viewer.dims.point)[:-2]).astype(int)
            self.work.in_view = tuple(int(i) for i in np.clip(position, 0, np.array(self.source.data.shape[:-2]) - 1))

    def stop_learning(self) -> None:
        self.work.stopping = True
        self.stop.setEnabled(False)

    def show_progress(self, progress: noise2stack.Progress) -> None:
        self.bar.setMaximum(max(1, progress.total))
        self.bar.setValue(min(progress.done, progress.total))
        self.said.setText(f'{progress.stage}: {progress.done} of {progress.total} {progress.unit}  {progress.note}')

    def show_preview(self, plane: np.ndarray) -> None:
        if 'preview' in self.viewer.layers:
            self.viewer.layers['preview'].data = plane
        else:
            self.viewer.add_image(plane, name='preview', scale=self.source.scale[-2:], translate=self.source.translate[-2:],
                                  contrast_limits=self.source.contrast_limits, colormap=self.source.colormap.name)

    def show_result(self, result: Optional[np.ndarray], error: Optional[BaseException]) -> None:
        self.viewer.dims.events.current_step.disconnect(self.look)
        warnings, self.work = self.work.warnings, None
        self.start.setEnabled(True)
        self.stop.setEnabled(False)
        if 'preview' in self.viewer.layers:
            self.viewer.layers.remove('preview')
        if error is not None:
            self.said.setText(str(error))
            return
        source = self.source
        self.viewer.add_image(result, name=f'{source.name} (restored)', scale=source.scale, translate=source.translate, units=source.units,
                              axis_labels=source.axis_labels, metadata=dict(source.metadata), contrast_limits=source.contrast_limits,
                              colormap=source.colormap.name)
        self.said.setText('\n'.join(['Done.', *warnings]))
