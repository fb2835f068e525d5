# The plugin for napari, on a real or virtual screen: test_napari.py [FOLDER FOR SCREENSHOTS]
# Needs the installed package and napari with a Qt; tests/tools/napari_test runs it.
import pathlib
import sys
import time
import unittest

import napari
import noise2stack
import numpy as np

SCREENSHOTS = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else '.')
OPTIONS = 'steps=40, planes=2, crop=32, batch=4, threads=2, seed=3, net="mri"'


def noisy():
    t, z, y, x = np.indices((2, 9, 64, 72))
    image = 300 + 120 * np.sin(y / 6 + z / 9 + t) * np.cos(x / 7) + np.random.default_rng(0).normal(0, 40, z.shape)
    return image.astype('u2')


class Plugin(unittest.TestCase):
    def setUp(self):
        self.viewer = napari.Viewer(show=True)
        self.addCleanup(self.viewer.close)
        self.viewer.window.resize(1100, 700)
        self.widget = self.viewer.window.add_plugin_dock_widget('noise2stack', 'Restore (Noise2Stack)')[1]

    def wait(self, condition, seconds=120):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, self.widget.said.text())
            napari.qt.get_qapp().processEvents()
            time.sleep(0.01)

    def test_restores_a_layer(self):
        layer = self.viewer.add_image(noisy(), name='cells', scale=(1, 2, 0.5, 0.5), translate=(0, 3, 0, 0), metadata={'dye': 'GFP'}, colormap='green')
        self.assertEqual((self.widget.layer.currentText(), self.widget.axis.currentIndex()), ('cells', 1))
        self.widget.more.setText(OPTIONS)
        self.viewer.dims.set_current_step(0, 1)
        self.viewer.dims.set_current_step(1, 4)
        previews = []
        self.viewer.layers.events.inserted.connect(lambda event: previews.append(event.value) if event.value.name == 'preview' else None)
        self.widget.start.click()
        self.wait(lambda: previews or 'restored' in str(self.viewer.layers))
        self.assertTrue(previews)
        self.assertEqual(previews[0].data.shape, (64, 72))
        self.viewer.screenshot(str(SCREENSHOTS / 'napari-preview.png'), canvas_only=False)
        self.wait(lambda: 'cells (restored)' in self.viewer.layers)
        result = self.viewer.layers['cells (restored)']
        expected = noise2stack.restore(noisy(), axes='TZYX', steps=40, planes=2, crop=32, batch=4, threads=2, seed=3, net='mri')
        np.testing.assert_array_equal(result.data, expected)
        np.testing.assert_array_equal(result.scale, layer.scale)
        np.testing.assert_array_equal(result.translate, layer.translate)
        self.assertEqual((result.metadata, result.data.dtype, result.colormap.name), ({'dye': 'GFP'}, layer.data.dtype, 'green'))
        self.assertNotIn('preview', self.viewer.layers)
        self.viewer.screenshot(str(SCREENSHOTS / 'napari-result.png'), canvas_only=False)

    def test_a_single_image(self):
        self.viewer.add_image(noisy()[0, 0], name='image')
        self.assertIn('hidden pixels', self.widget.method.currentText())
        self.widget.more.setText('steps=4, threads=2')
        self.widget.start.click()
        self.wait(lambda: 'image (restored)' in self.viewer.layers)
        self.assertEqual(self.viewer.layers['image (restored)'].data.shape, (64, 72))

    def test_warnings_are_said(self):
        self.viewer.add_image(np.random.default_rng(0).poisson(3, (64, 72)).astype('u1'), name='counts')
        self.widget.more.setText('steps=4, threads=2')
        self.widget.start.click()
        self.wait(lambda: 'counts (restored)' in self.viewer.layers)
        self.assertIn('rounded to uint8', self.widget.said.text())

    def test_stops(self):
        self.viewer.add_image(noisy()[0], name='cells')
        self.widget.more.setText(OPTIONS.replace('steps=40', 'steps=1000000'))
        self.widget.start.click()
        self.wait(lambda: self.widget.bar.value() > 3)
        self.widget.stop.click()
        self.wait(lambda: 'cells (restored)' in self.viewer.layers)
        self.assertEqual(self.viewer.layers['cells (restored)'].data.shape, (9, 64, 72))

    def test_errors_are_said(self):
        self.widget.start.click()
        self.assertIn('Open an image', self.widget.said.text())
        self.viewer.add_image(noisy()[0], name='cells')
        for options, said in (('steps=', 'write them as'), ('steps=5, stepz=6', 'stepz'), ('steps=5, device="cuda:77"', 'cuda')):
            self.widget.more.setText(options)
            self.widget.start.click()
            self.wait(lambda: said in self.widget.said.text())
            self.wait(lambda: self.widget.start.isEnabled())
        self.assertNotIn('cells (restored)', self.viewer.layers)


unittest.main()
