#!/usr/bin/python3
"""n2s simulate, prepare and reproduce: data sets and figures compared with what numpy makes of the same files. Needs Debian's
python3-numpy, python3-h5py, python3-tifffile and python3-nibabel.

usage: experiments_test.py N2S    (the program)
"""
import csv, glob, gzip, json, os, shutil, signal, subprocess, time, unittest, zlib

import h5py, nibabel, numpy, tifffile

from program import N2S, ProgramTest

PLATE = ('--wells', '3', '--fields', '4', '--planes', '4', '--side', '64')
FIELDS = [f'r01c{well:02d}f{field:02d}' for well in (1, 2, 3) for field in (1, 2, 3, 4)]


class Experiments(ProgramTest):
    def volume(self, name, planes=12, height=40, width=36, scale=700):
        draw = numpy.random.default_rng(len(name) + planes)
        voxels = (draw.random((width, height, planes)) * scale).astype(numpy.int16)
        os.makedirs(self.path('volumes'), exist_ok=True)
        image = nibabel.Nifti1Image(voxels, numpy.diag([1, 1, 2, 1]))
        image.header.set_xyzt_units('mm')
        nibabel.save(image, self.path('volumes/' + name))
        return voxels

    def plate(self):
        self.json_of('simulate', 'microscopy', '-o', self.path('plate'), *PLATE)
        return self.path('plate')

    def prepare(self, kind, folder, *words):
        result = self.json_of('prepare', kind, folder, '-o', self.path('out.h5'), '--force', *words)
        return result, h5py.File(self.path('out.h5'))

    def test_a_plate_has_the_files_and_the_noise_of_a_microscope(self):
        plate = self.plate()
        names = sorted(os.path.basename(path) for path in glob.glob(plate + '/*'))
        self.assertEqual(names, sorted(f'{field}p{plane:02d}-ch{channel}sk1fk1fl1.tiff' for field in FIELDS for plane in (1, 2, 3, 4)
                                       for channel in (1, 2, 3)))
        low, high = (numpy.stack([tifffile.imread(f'{plate}/{field}p02-ch{channel}sk1fk1fl1.tiff').astype(float) for field in FIELDS])
                     for channel in (1, 2))
        self.assertEqual(tifffile.imread(f'{plate}/{names[0]}').dtype, numpy.uint16)
        signal = ((high - 100) / 5).clip(0)  # in counts of the short exposure
        bright = signal > 30
        self.assertAlmostEqual(float((low[bright] - 100).mean() / signal[bright].mean()), 1, delta=0.1)
        # Both exposures have noise of 10 counts per event; a fifth of it is left in the long one's fifth.
        variance = ((low - 100 - signal)[bright]**2).mean()
        self.assertAlmostEqual(float(variance / (10 * signal[bright].mean() * 1.2 + 20)), 1, delta=0.2)

    def test_fields_become_stacks_less_the_median_of_each_pixel(self):
        plate = self.plate()
        result, file = self.prepare('microscopy', plate)
        self.assertEqual((result['train'], result['validation'], result['test']), (FIELDS[:8], FIELDS[8:9], FIELDS[9:]))
        for channel, copy in enumerate(('low', 'high', 'brightfield'), 1):
            images = numpy.stack([numpy.stack([tifffile.imread(f'{plate}/{field}p{plane:02d}-ch{channel}sk1fk1fl1.tiff') for plane in (1, 2, 3, 4)])
                                  for field in FIELDS]).astype(numpy.float32)
            background = numpy.median(images.reshape(-1, 64, 64), axis=0)
            numpy.testing.assert_array_equal(file[f'background/{copy}'][0], background)
            numpy.testing.assert_array_equal(file[f'train/{FIELDS[0]}/{copy}'][:], images[0] - background)
            numpy.testing.assert_array_equal(file[f'test/{FIELDS[11]}/{copy}'][:], images[11] - background)
        sources = json.loads(file[f'train/{FIELDS[0]}/low'].attrs['sources'])
        self.assertEqual(len(sources), 4)
        with open(sources[0]['file'], 'rb') as source:
            self.assertEqual(sources[0]['crc32'], f'{zlib.crc32(source.read()):08x}')
        self.assertEqual(json.loads(file.attrs['preparation'])['settings']['images']['low'], 48)

    def test_little_memory_gives_the_same(self):
        plate = self.plate()
        _, file = self.prepare('microscopy', plate)
        expected = file['test/r01c03f04/low'][:]
        file.close()
        _, file = self.prepare('microscopy', plate, '--memory', '0.0001', '--threads', '1')
        numpy.testing.assert_array_equal(file['test/r01c03f04/low'][:], expected)

    def test_a_plate_of_other_names_and_of_stacks(self):
        os.makedirs(self.path('other'))
        draw = numpy.random.default_rng(1)
        for well in ('A01', 'B12'):
            for site in (1, 2):
                for exposure in (20, 100):
                    tifffile.imwrite(self.path(f'other/{well}_s{site}_{exposure}ms.tif'), draw.integers(0, 999, (3, 32, 40), numpy.uint16),
                                     imagej=True, metadata={'axes': 'ZYX'})
        result, file = self.prepare('microscopy', self.path('other'), '--pattern', '{well}_s{field}_{exposure}ms.tif', '--low', '20', '--high', '100',
                                    '--brightfield', 'none', '--keep-background')
        self.assertEqual((result['train'], result['test']), (['A01f1', 'A01f2'], ['B12f1', 'B12f2']))
        numpy.testing.assert_array_equal(file['test/B12f2/high'][:], tifffile.imread(self.path('other/B12_s2_100ms.tif')))
        self.assertNotIn('background', file)

    def test_what_is_wrong_with_a_plate_is_listed(self):
        plate = self.plate()
        os.remove(f'{plate}/r01c01f01p02-ch1sk1fk1fl1.tiff')
        with open(f'{plate}/r01c01f02p01-ch2sk1fk1fl1.tiff', 'wb') as file:
            file.write(b'II*\0nothing')
        tifffile.imwrite(f'{plate}/r01c02f01p01-ch1sk1fk1fl1.tiff', numpy.zeros((32, 64), numpy.uint16))
        shutil.copy(f'{plate}/r01c03f01p01-ch1sk1fk1fl1.tiff', f'{plate}/r01c03f01p1-ch1.tiff')
        with open(f'{plate}/Index.xml', 'w') as file:
            file.write('<x/>')
        words = ('prepare', 'microscopy', plate, '-o', self.path('out.h5'))
        self.fails(*words, says=('--leave-out',))
        self.assertFalse(os.path.exists(self.path('out.h5')))
        result = self.json_of(*words, '--leave-out')
        left_out = '\n'.join(result['left_out'])
        for part in ('r01c01f01: low of plane 2', 'r01c01f02p01-ch2', 'r01c02f01p01-ch1', 'the same plane as'):
            self.assertIn(part, left_out)
        self.assertEqual(result['ignored'], [f'{plate}/Index.xml: the name does not fit the pattern'])
        self.assertEqual(result['train'], [FIELDS[2], FIELDS[3], *FIELDS[5:8]])

    def test_volumes_are_scaled_and_padded(self):
        voxels = {f'brain{i}.nii.gz': self.volume(f'brain{i}.nii.gz', planes=11 + i) for i in range(5)}
        result, file = self.prepare('mri', self.path('volumes'), '--middle', '10', '--side', '48')
        self.assertEqual((result['train'], result['validation'], result['test']), (['brain0', 'brain1', 'brain2', 'brain3'], [], ['brain4']))
        volume = voxels['brain4.nii.gz'].astype(numpy.float64)  # 36 x 40 x 15
        expected = numpy.full((10, 48, 48), -0.5)
        expected[:, 4:44, 6:42] = (volume / volume.max() - 0.5).T[2:12]
        numpy.testing.assert_allclose(file['test/brain4/clean'][:], expected, atol=1e-6)
        numpy.testing.assert_allclose(file['test/brain4/clean'].attrs['element_size_um'], (2000, 1000, 1000))

    def test_the_subjects_of_the_paper(self):
        for subject in (2, 12, 62, 63, 64, 73, 99):
            self.volume(f'IXI{subject:03d}-Guys-0828-T1.nii.gz')
        self.volume('IXI012-Guys-0828-T2.nii.gz')
        result, _ = self.prepare('mri', self.path('volumes'), '--middle', '10', '--side', '48')
        self.assertEqual(result['train'], ['IXI002', 'IXI012'])
        self.assertEqual(result['validation'], ['IXI062', 'IXI063'])
        self.assertEqual(result['test'], ['IXI064', 'IXI073'])
        self.assertEqual(len(result['missing']), 54)
        self.assertEqual(len(result['ignored']), 2)
        self.volume('IXI012-HH-1234-T1.nii.gz')
        self.fails('prepare', 'mri', self.path('volumes'), '-o', self.path('x.h5'), '--middle', '10', says=('IXI012',))

    def test_simulated_scans_go_the_same_way(self):
        self.json_of('simulate', 'mri', '-o', self.path('scans'), '--subjects', '6', '--planes', '12', '--side', '64')
        result, file = self.prepare('mri', self.path('scans'), '--middle', '8', '--side', '64')
        self.assertEqual([len(result[part]) for part in ('train', 'validation', 'test')], [2, 2, 2])
        heads = [file[f'{part}/{name}/clean'][:] for part in ('train', 'test') for name in file[part]]
        for i, head in enumerate(heads):
            self.assertAlmostEqual(float(head.max()), 0.5, delta=0.1)
            for other in heads[:i]:
                self.assertGreater(float(numpy.abs(head - other).mean()), 0.01)

    def test_damage_that_shows_while_reading(self):
        for i in range(5):
            self.volume(f'brain{i}.nii.gz')
        path = self.path('volumes/brain1.nii.gz')
        whole = gzip.open(path).read()
        with open(path, 'wb') as file:
            file.write(gzip.compress(whole)[:-3000])
        words = ('prepare', 'mri', self.path('volumes'), '-o', self.path('out.h5'), '--middle', '10', '--side', '48')
        self.fails(*words, says=('brain1.nii.gz',))
        self.assertFalse(os.path.exists(self.path('out.h5')))
        done = self.run_n2s(*words, '--leave-out', '--json', '--quiet')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('brain1.nii.gz', done.stderr)
        result = json.loads(done.stdout)
        self.assertIn('brain1.nii.gz', result['left_out'][0])
        self.assertEqual((result['train'], list(h5py.File(self.path('out.h5'))['train'])), (['brain0', 'brain2', 'brain3'],) * 2)

    def test_stacks_with_their_copies(self):
        draw = numpy.random.default_rng(2)
        for folder in ('noisy', 'second', 'truth'):
            os.makedirs(self.path(folder))
            for name in ('a', 'b', 'c'):
                tifffile.imwrite(self.path(f'{folder}/{name}.tif'), draw.integers(0, 999, (5, 32, 32), numpy.uint16), imagej=True,
                                 metadata={'axes': 'ZYX'})
        words = ('--second', self.path('second'), '--truth', self.path('truth'), '--train', 'a', '--test', 'b,c')
        result, file = self.prepare('stacks', self.path('noisy'), *words)
        self.assertEqual((result['train'], result['test']), (['a'], ['b', 'c']))
        self.assertEqual(file['test/c/second'].dtype, numpy.uint16)
        for copy in ('noisy', 'second', 'truth'):
            numpy.testing.assert_array_equal(file[f'test/c/{copy}'][:], tifffile.imread(self.path(f'{copy}/c.tif')))
        run = self.json_of('restore', self.path('out.h5'), '--dataset', 'test/c/noisy', '-o', self.path('c.tif'), '--steps', '2', '--batch', '1',
                           '--crop', '32')
        self.assertEqual(run['steps'], 2)
        file.close()
        os.remove(self.path('truth/b.tif'))
        self.fails('prepare', 'stacks', self.path('noisy'), '-o', self.path('x.h5'), *words, says=('b.tif',))

    def test_parts_that_make_no_sense_are_refused(self):
        for i in range(3):
            self.volume(f'brain{i}.nii.gz')
        words = ('prepare', 'mri', self.path('volumes'), '-o', self.path('x.h5'), '--middle', '10', '--side', '48')
        for parts in (('--train', 'other*'), ('--train', 'brain0', '--test', 'brain*'), ('--train', '0.9', '--test', '0.2'),
                      ('--train', '1.5'), ('--test', 'brain1')):
            self.fails(*words, *parts)
        self.fails('prepare', 'mri', self.path('nowhere'), '-o', self.path('x.h5'), says=('nowhere',))
        self.fails('prepare', 'mri', self.path('volumes'), '-o', self.path('x.tif'), says=('.h5',))
        self.fails('prepare', 'microscopy', self.path('volumes'), '-o', self.path('x.h5'), '--pattern', '{wel}', says=('wel',))
        for kind, option in (('mri', ('--pattern', 'x{well}')), ('mri', ('--second', 'x')), ('microscopy', ('--side', '100')),
                             ('microscopy', ('--axis', 'z')), ('stacks', ('--middle', '5'))):
            self.fails('prepare', kind, self.path('volumes'), '-o', self.path('x.h5'), *option, says=(option[0], kind))
        self.fails('simulate', 'mri', '-o', self.path('new'), '--wells', '1', says=('--wells',))
        self.fails('simulate', 'microscopy', '-o', self.path('new'), '--subjects', '5', says=('--subjects',))
        self.assertFalse(os.path.exists(self.path('x.h5')) or os.path.exists(self.path('new')))

    def small_plate(self, planes=3):
        self.json_of('simulate', 'microscopy', '-o', self.path('plate'), '--wells', '2', '--fields', '3', '--planes', str(max(3, planes)), '--side', '64')
        for path in glob.glob(self.path('plate/*')):
            if int(os.path.basename(path)[10:12]) > planes:
                os.remove(path)
        self.json_of('prepare', 'microscopy', self.path('plate'), '-o', self.path('plate.h5'), '--force')
        return self.path('plate.h5')

    def test_simulated_noise_can_be_correlated(self):
        """As strong as without; measured in what two simulations of one scene differ by from their local means."""
        found = {}
        for correlation in ('0', '0.4'):
            folder = self.path('plate' + correlation)
            self.json_of('simulate', 'microscopy', '-o', folder, '--wells', '1', '--fields', '1', '--planes', '3', '--side', '256', '--correlation',
                         correlation)
            image = tifffile.imread(folder + '/r01c01f01p01-ch1sk1fk1fl1.tiff').astype(float)
            smooth = sum(numpy.roll(image, (dy, dx), (0, 1)) for dy in range(-4, 5) for dx in range(-4, 5)) / 81
            noise = (image - smooth)[8:-8, 8:-8]
            noise[smooth[8:-8, 8:-8] > numpy.median(smooth)] = numpy.nan  # the background
            at = lambda dy, dx: numpy.nanmean(noise[:-1, :-1] * noise[dy:noise.shape[0] - 1 + dy, dx:noise.shape[1] - 1 + dx])
            found[correlation] = at(0, 0), at(0, 1) / at(0, 0), at(1, 0) / at(0, 0)
        self.assertAlmostEqual(found['0'][0] / found['0.4'][0], 1, delta=0.15)
        for direction in (1, 2):
            self.assertLess(found['0'][direction], 0.1)
            self.assertGreater(found['0.4'][direction], 0.25)
            self.assertLess(found['0.4'][direction], 0.5)

    def test_the_microscopy_experiment(self):
        data, out = self.small_plate(), self.path('run')
        words = ('reproduce', 'microscopy', data, '-o', out, '--scale', '2', '--seeds', '2')
        result = self.json_of(*words)
        table = result['table']
        self.assertEqual([(row['system'], row['seeds']) for row in table],
                         [('noisy', 1), ('bm3d', 1), ('noise2clean', 2), ('noise2void', 2), ('2', 2), ('4', 2)])
        self.assertEqual(table[0]['paper'], {'psnr': 25.8, 'ssim': 0.40, 'nrmse': 0.388})
        # The first row, computed here: truth scaled by its percentiles, each plane mapped to it.
        planes = []
        with h5py.File(data) as file:
            for name in file['test']:
                low, high = (file[f'test/{name}/{copy}'][:].astype(float) for copy in ('low', 'high'))
                bottom, top = numpy.percentile(high, (0.1, 99.9))
                for noisy, truth in zip(low, (high - bottom) / (top - bottom)):
                    slope, offset = numpy.polyfit(noisy.ravel(), truth.ravel(), 1)
                    planes.append(-10 * numpy.log10(((slope * noisy + offset - truth)**2).mean()))
        self.assertAlmostEqual(table[0]['mean']['psnr'], float(numpy.mean(planes)), delta=0.01)
        with open(out + '/planes.csv') as file:
            rows = list(csv.DictReader(file))
        numpy.testing.assert_allclose([float(row['psnr']) for row in rows if row['system'] == 'noisy'], planes, atol=0.01)
        # Every restored plane is segmented, and so is the truth; the masks are 0 and 1.
        self.assertEqual([row['system'] for row in result['segmentation']], ['truth', *(row['system'] for row in table)])
        dice = [float(row['dice']) for row in rows if row['system'] == 'truth']
        self.assertAlmostEqual(result['segmentation'][0]['dice'], float(numpy.mean(dice)), delta=1e-4)
        masks = tifffile.imread(out + '/noisy-seed1/example-masks.tif')
        self.assertTrue(set(numpy.unique(masks)) <= {0, 1})
        # Results from before the check was asked for are segmented later, by the networks that are there.
        self.json_of('reproduce', 'microscopy', data, '-o', self.path('later'), '--scale', '2', '--methods', 'noisy,2')
        model = os.stat(self.path('later/2-seed1/model.safetensors')).st_mtime_ns
        later = self.json_of('reproduce', 'microscopy', data, '-o', self.path('later'), '--scale', '2', '--methods', 'segmentation,noisy,2')
        self.assertEqual(later['segmentation'], [row for row in self.json_of(
            'reproduce', 'microscopy', data, '-o', self.path('once'), '--scale', '2', '--methods', 'segmentation,noisy,2')['segmentation']])
        self.assertEqual(model, os.stat(self.path('later/2-seed1/model.safetensors')).st_mtime_ns)
        # A model that is given takes the place of the one that is trained.
        given = self.json_of('reproduce', 'microscopy', data, '-o', self.path('given'), '--scale', '2', '--methods', 'segmentation,noisy',
                             '--segmentation', out + '/segmentation-seed1')
        self.assertEqual(given['segmentation'][0], result['segmentation'][1])
        self.assertEqual(tifffile.imread(out + '/brightfield-seed2/example.tif').shape, (3, 64, 64))
        # A finished part stays; another scale is another experiment.
        times = {path: os.stat(path).st_mtime_ns for path in glob.glob(out + '/*/result.json')}
        self.assertEqual(self.json_of(*words), result)
        self.assertEqual(times, {path: os.stat(path).st_mtime_ns for path in times})
        self.fails('reproduce', 'microscopy', data, '-o', out, '--scale', '3', says=('other settings',))
        # The files show all that is there, whatever a later call asks for.
        files = [open(f'{out}/{name}.csv').read() for name in ('table', 'planes')]
        only = self.json_of(*words, '--methods', 'noisy')
        self.assertEqual([row['system'] for row in only['table']], ['noisy'])
        self.assertEqual(files, [open(f'{out}/{name}.csv').read() for name in ('table', 'planes')])
        os.makedirs(self.path('later/2-seedlings'))
        anew = self.json_of('reproduce', 'microscopy', data, '-o', self.path('later'), '--scale', '1', '--methods', 'noisy', '--force')
        self.assertEqual([row['system'] for row in anew['table']], ['noisy'])
        self.assertEqual(sorted(name for name in os.listdir(self.path('later')) if os.path.isdir(self.path('later/' + name))),
                         ['2-seedlings', 'figures', 'noisy-seed1'])
        self.fails('reproduce', 'mri', data, '-o', self.path('other'), says=('microscopy',))
        self.fails('reproduce', 'microscopy', data, '-o', self.path('other'), '--methods', '2,3', says=("'3'",))
        self.fails('reproduce', 'microscopy', data, '-o', self.path('other'), '--scale', 'fast', says=('quick',))

    def test_the_mri_experiment(self):
        self.json_of('simulate', 'mri', '-o', self.path('scans'), '--subjects', '5', '--planes', '8', '--side', '64')
        self.json_of('prepare', 'mri', self.path('scans'), '-o', self.path('mri.h5'), '--middle', '7', '--side', '64')
        table = self.json_of('reproduce', 'mri', self.path('mri.h5'), '-o', self.path('run'), '--scale', '1')['table']
        self.assertEqual([row['system'] for row in table], ['noisy', 'combined', 'noise2noise', '1+2', '1+4', '1+6', '2', '4', '6'])
        self.assertEqual([row['system'] for row in table if 'post' in row], [row['system'] for row in table[2:]])
        self.assertGreater(table[1]['mean']['psnr'], table[0]['mean']['psnr'] + 0.5)
        # The same noise as n2s corrupt makes of the first test stack.
        with h5py.File(self.path('mri.h5')) as file:
            name = sorted(file['test'])[0]
            truth = file[f'test/{name}/clean'][:]
        self.json_of('corrupt', self.path('mri.h5'), '--dataset', f'test/{name}/clean', '-o', self.path('noisy.h5'), '--noise', 'kspace:0.1', '--seed', '1')
        with h5py.File(self.path('noisy.h5')) as file:
            noisy = file['data'][:]
        psnr = -10 * numpy.log10(((noisy.clip(-0.5, 0.5) - truth.clip(-0.5, 0.5))**2).mean(axis=(1, 2)))
        with open(self.path('run/planes.csv')) as file:
            rows = [row for row in csv.DictReader(file) if row['system'] == 'noisy' and row['stack'] == name]
        numpy.testing.assert_allclose([float(row['psnr']) for row in rows], psnr, atol=0.01)

    def test_an_interrupted_experiment_continues_bit_for_bit(self):
        data = self.small_plate()
        words = ('reproduce', 'microscopy', data, '--scale', '40', '--methods', 'noisy,2', '--threads', '1', '--quiet', '--json', '-o')
        run = subprocess.Popen([N2S, *words, self.path('run')], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not os.path.exists(self.path('run/2-seed1/log.jsonl')) and run.poll() is None:
            time.sleep(0.05)
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        error = run.communicate()[1]
        self.assertEqual(run.returncode, 1, error)
        self.assertIn('same command again', error)
        self.assertTrue(os.path.exists(self.path('run/noisy-seed1/result.json')))
        self.assertFalse(os.path.exists(self.path('run/2-seed1/result.json')))
        for folder in ('run', 'whole'):
            subprocess.run([N2S, *words, self.path(folder)], check=True, stdout=subprocess.DEVNULL)
        models = []
        for folder in ('run', 'whole'):
            with open(self.path(folder + '/2-seed1/model.safetensors'), 'rb') as file:
                models.append(file.read())
        self.assertEqual(*models)

    def test_one_failing_system_does_not_end_the_others(self):
        data = self.small_plate(planes=2)
        words = ('reproduce', 'microscopy', data, '-o', self.path('run'), '--scale', '1', '--methods', '4,noise2clean')
        done = self.run_n2s(*words, '--json', '--quiet')
        self.assertEqual(done.returncode, 1)
        self.assertIn('--planes 4', done.stderr)
        self.assertEqual([row['system'] for row in json.loads(done.stdout)['table']], ['noise2clean'])


unittest.main()
