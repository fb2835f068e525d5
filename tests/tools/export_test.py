#!/usr/bin/env python3
"""Exported networks give what n2s denoise gives: in ONNX Runtime, and as PyTorch's source (with numpy_torch.py in
PyTorch's place); a state comes back by n2s import; BioImage.IO's own test accepts packages.

usage: export_test.py N2S    (needs numpy, onnx, onnxruntime, bioimageio.core)
"""
import collections, importlib.util, io, itertools, json, os, pickle, subprocess, sys, tempfile, unittest, zipfile

import numpy as np
import onnx
import onnxruntime

import numpy_torch

N2S = os.path.abspath(sys.argv.pop(1))
NETS = [('mri', 5), ('mri', 4), ('mri', 1), ('microscopy', 2), ('microscopy', 3), ('microscopy', 4), ('blind-spot', 1), ('n2v2', 1)]
METHOD = {'blind-spot': 'noise2void', 'n2v2': 'noise2void'}


def noisy(planes=7, height=53, width=47):
    p, r, c = np.indices((planes, height, width))
    return (100 + 60 * np.sin(r / 5 + p / 9) * np.cos(c / 6) + np.random.default_rng(0).normal(0, 15, p.shape)).astype('f4')


def state_of(saved):
    """What torch.load() makes of a .pt file, as arrays of NumPy."""
    archive = zipfile.ZipFile(io.BytesIO(saved))

    def tensor(storage, offset, shape, strides, requires_grad, hooks):
        assert offset == 0 and not requires_grad and not hooks
        return np.lib.stride_tricks.as_strided(storage, shape, [4 * stride for stride in strides])

    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            return {('collections', 'OrderedDict'): collections.OrderedDict, ('torch._utils', '_rebuild_tensor_v2'): tensor,
                    ('torch', 'FloatStorage'): 'float32'}[module, name]

        def persistent_load(self, description):
            kind, dtype, key, device, count = description
            assert (kind, dtype, device) == ('storage', 'float32', 'cpu')
            values = np.frombuffer(archive.read(f'archive/data/{key}'), dtype)
            assert values.size == count
            return values

    assert archive.read('archive/version').strip() == b'3'
    return Unpickler(io.BytesIO(archive.read('archive/data.pkl'))).load()


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.addClassCleanup(os.chdir, os.getcwd())
        os.chdir(cls.folder.name)
        np.save('noisy.npy', noisy())
        np.save('other.npy', noisy()[::-1].copy())
        for net, planes in NETS:
            target = ['--target', 'other.npy'] if planes % 2 == 1 and net not in METHOD else []
            cls.n2s('train', 'noisy.npy', *target, '-o', f'{net}-{planes}', '--net', net, '--planes', str(planes), '--steps', '4',
                    '--batch', '2', '--crop', '32', '--threads', '2', '--method', METHOD.get(net, 'noise2stack'), '--gap',
                    '1' if planes == 4 else '0')
            cls.n2s('denoise', f'{net}-{planes}', 'noisy.npy', '-o', f'{net}-{planes}.npy', '--levels', 'model')

    @classmethod
    def n2s(cls, *words):
        done = subprocess.run([N2S, *words, '--quiet'], capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stderr)

    def refused(self, *words):
        done = subprocess.run([N2S, *words], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0, words)
        return done.stderr

    def inputs(self, offsets, stack, plane):
        """Of one plane away from the ends."""
        return np.stack([stack[plane + offset] for offset in offsets])[None].astype('f4')

    def offsets(self, planes):
        half, gap = planes // 2, 1 if planes == 4 else 0
        steps = range(1 + gap, half + gap + 1)
        return [-s for s in reversed(steps)] + [0] * (planes % 2) + list(steps)

    def test_onnx_equals_denoise(self):
        for net, planes in NETS:
            name = f'{net}-{planes}'
            self.n2s('export', name, '-o', name + '.onnx')
            self.n2s('export', name, '-o', name + '-units.onnx', '--with-normalisation')
            model = onnx.load(name + '.onnx')
            onnx.checker.check_model(model, full_check=True)
            self.assertGreaterEqual(model.opset_import[0].version, 17)
            notes = {entry.key: entry.value for entry in model.metadata_props}
            offsets = json.loads(notes['n2s.offsets'])
            self.assertEqual(offsets, self.offsets(planes), name)
            levels = json.loads(notes['n2s.configuration'])['normalisation']
            expected = np.load(name + '.npy')[3] * levels['scale'] + levels['offset']
            normalised = noisy() * levels['scale'] + levels['offset']
            run = onnxruntime.InferenceSession(name + '.onnx').run
            found = run(None, {'planes': self.inputs(offsets, normalised, 3)})[0]
            self.assertEqual(found.shape, (1, 1, 53, 47))
            self.assertLess(np.abs(found[0, 0] - expected).max(), 1e-5, name)
            in_units = onnxruntime.InferenceSession(name + '-units.onnx').run
            found = in_units(None, {'planes': self.inputs(offsets, noisy(), 3)})[0][0, 0]
            self.assertLess(np.abs(found - np.load(name + '.npy')[3]).max() * levels['scale'], 1e-5, name)
            for height, width in ((16, 16), (17, 64), (1, 3), (33, 2)):  # a batch of any size
                images = np.zeros((2, planes, height, width), 'f4')
                self.assertEqual(run(None, {'planes': images})[0].shape, (2, 1, height, width))

    def module(self, path):
        spec = importlib.util.spec_from_file_location('exported', path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def test_pytorch_equals_denoise(self):
        numpy_torch.install()
        for net, planes in NETS:
            name = f'{net}-{planes}'
            self.n2s('export', name, '--pytorch', '-o', f'{net}_{planes}.py')
            module = self.module(f'{net}_{planes}.py')
            self.assertEqual(module.OFFSETS, self.offsets(planes))
            with open(name + '/run.json') as f:
                levels = json.load(f)['configuration']['normalisation']
            expected = np.load(name + '.npy')[3] * levels['scale'] + levels['offset']
            planes_in = self.inputs(module.OFFSETS, noisy() * levels['scale'] + levels['offset'], 3)
            found = module.load()(planes_in.view(numpy_torch.Tensor))
            self.assertLess(np.abs(np.asarray(found)[0, 0] - expected).max(), 1e-5, name)

    def test_packages_pass_bioimageio(self):
        from bioimageio.core import create_prediction_pipeline, load_model, test_description
        from bioimageio.core.digest_spec import create_sample_for_model
        for net, planes in (('mri', 4), ('microscopy', 3), ('n2v2', 1)):
            name = f'{net}-{planes}'
            self.n2s('export', name, '-o', name + '.zip', '--title', 'Cells (green)', '--author', 'A. Person', '--licence', 'CC-BY-4.0')
            summary = test_description(name + '.zip', weight_format='onnx')  # torch is not here; its weights are checked below
            self.assertEqual(summary.status, 'passed', summary.format())
            with zipfile.ZipFile(name + '.zip') as package:
                self.assertIsNone(package.testzip())
                described = json.loads(package.read('rdf.yaml'))
                cover, state = package.read('cover.png'), package.read('weights.pt')
                source = package.read('network.py').decode()
                given = np.load(io.BytesIO(package.read('test_input.npy')))
                expected = np.load(io.BytesIO(package.read('test_output.npy')))
            self.assertEqual((described['name'], described['license']), ('Cells (green)', 'CC-BY-4.0'))
            self.assertEqual(cover[:4], b'\x89PNG')
            self.assertIn('weights_only=True', source)
            # What the package's pre- and post-processing make of the file's values is what n2s denoise makes of them.
            model = load_model(name + '.zip')
            sample = create_sample_for_model(model, inputs=self.inputs(self.offsets(planes), noisy(height=96, width=90), 3))
            with create_prediction_pipeline(model) as pipeline:  # without padding by the halo, which moves the plane's borders
                found = pipeline.predict_sample_without_blocking(sample, skip_input_padding=True, skip_output_cropping=True)
            np.save('larger.npy', noisy(height=96, width=90))
            self.n2s('denoise', name, 'larger.npy', '-o', 'larger-restored.npy', '--levels', 'model', '--force')
            np.testing.assert_allclose(found.members['restored'].data.values[0, 0], np.load('larger-restored.npy')[3], rtol=1e-4, atol=1e-2, err_msg=name)
            self.assertEqual(expected.shape, (1, 1, *given.shape[2:]))
            self.n2s('export', name, '-o', 'plain.py', '--force')
            for layer, values in numpy_torch.load_file('plain.safetensors').items():
                np.testing.assert_array_equal(state_of(state)[layer], values)
        self.assertIn('with-normalisation', self.refused('export', 'mri-4', '-o', 'x.zip', '--with-normalisation'))

    def test_a_state_comes_back(self):
        self.n2s('export', 'microscopy-4', '-o', 'state.py')
        state = numpy_torch.load_file('state.safetensors')
        state = {name: (2 * value if name == 'output.bias' else value) for name, value in state.items()}
        write_safetensors('trained.safetensors', state)
        self.n2s('import', 'trained.safetensors', '--like', 'microscopy-4', '-o', 'new.safetensors')
        self.n2s('import', 'trained.safetensors', '--net', 'microscopy', '--planes', '4', '--gap', '1', '-o', 'told.safetensors')
        for name in ('new', 'told'):
            np.testing.assert_array_equal(numpy_torch.load_file(name + '.safetensors')['output.bias'], state['output.bias'])
        for name in ('new', 'told', 'microscopy-4'):
            model = name if name == 'microscopy-4' else name + '.safetensors'
            self.n2s('denoise', model, 'noisy.npy', '-o', f'by-{name}.npy', '--force')
        np.testing.assert_array_equal(np.load('by-new.npy'), np.load('by-told.npy'))
        with open('microscopy-4/run.json') as f:
            scale = json.load(f)['configuration']['normalisation']['scale']
        moved = (np.load('by-new.npy') - np.load('by-microscopy-4.npy')) * scale
        self.assertLess(np.abs(moved - state['output.bias'] / 2).max(), 1e-4)  # the bias adds to each pixel
        # what does not fit
        self.assertIn('another', self.refused('import', 'trained.safetensors', '--net', 'mri', '--planes', '4', '-o', 'x.safetensors'))
        self.assertIn('down1.conv1.weight', self.refused('import', 'trained.safetensors', '--net', 'microscopy', '--planes', '2',
                                                         '-o', 'x.safetensors'))
        del state['up1.conv1.bias']
        write_safetensors('partial.safetensors', state)
        self.assertIn('up1.conv1.bias', self.refused('import', 'partial.safetensors', '--like', 'microscopy-4', '-o', 'x.safetensors'))
        self.assertFalse(os.path.exists('x.safetensors'))

    def test_refusals(self):
        for words, text in ((['mri-5', '-o', 'x.pt'], 'end the name in .onnx'), (['nothing', '-o', 'x.onnx'], 'nothing'),
                            (['mri-5', '--pytorch', '-o', 'x.onnx'], '.py'), (['mri-5', '-o', 'no/x.onnx'], 'no'),
                            (['mri-5', '-o', 'x.py', '--with-normalisation'], 'ONNX'), (['mri-5', '-o', 'x.onnx', '--channel', '0'], '--channel'),
                            (['mri-5/model.safetensors', '-o', 'mri-5/model.py', '--force'], 'the model itself')):
            self.assertIn(text, self.refused('export', *words))
        open('there.onnx', 'w').close()
        self.assertIn('exists', self.refused('export', 'mri-5', '-o', 'there.onnx'))
        self.assertIn('--like', self.refused('import', 'mri-5/model.safetensors', '-o', 'x.safetensors'))
        self.assertIn('either', self.refused('import', 'mri-5/model.safetensors', '--like', 'mri-5', '--planes', '5', '-o', 'x.safetensors'))


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, value in tensors.items():
        header[name] = {'dtype': 'F32', 'shape': list(value.shape), 'data_offsets': [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header).encode()
    with open(path, 'wb') as f:
        f.write(len(text).to_bytes(8, 'little') + text + b''.join(value.astype('f4').tobytes() for value in tensors.values()))


unittest.main()
