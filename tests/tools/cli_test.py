#!/usr/bin/env python3
"""The program as a user or a script meets it: exit codes, one-line errors, JSON, interruption and resumption.

usage: cli_test.py N2S    (the program)
"""
import json, math, os, random, signal, struct, subprocess, time, unittest

from program import N2S, ProgramTest, clean, nifti, read_voxels


class CommandLine(ProgramTest):
    def test_levels_are_those_of_the_stack_at_hand(self):
        run = self.path('run')
        self.json_of('train', self.noisy, '-o', run, '--steps', '20', '--batch', '2', '--crop', '32')
        first = self.json_of('denoise', run, self.noisy, '-o', self.path('first.nii'))['files'][0]
        noise = random.Random(1)
        nifti(self.path('other.nii'), 8, 32, 32, lambda p, r, c: 0.1 * (clean(p, r, c) + noise.gauss(0, 20)))
        other = self.json_of('denoise', run, self.path('other.nii'), '-o', self.path('second.nii'))['files'][0]
        self.assertAlmostEqual(other['levels']['normalisation']['scale'], 10 * first['levels']['normalisation']['scale'], 4)
        self.assertEqual(first['warnings'] + other['warnings'], [])
        for a, b in zip(read_voxels(self.path('first.nii')), read_voxels(self.path('second.nii'))):
            self.assertAlmostEqual(b, 0.1 * a, 2)
        # With the model's levels a dark stack is something that the model has never seen.
        done = self.run_n2s('denoise', run, self.path('other.nii'), '-o', self.path('x.nii'), '--levels', 'model', '--quiet')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('warning', done.stderr)
        # One map for both: the same scale.
        done = self.run_n2s('denoise', run, self.noisy, self.clean, '-o', self.path('all'), '--levels', 'shared', '--json')
        files = json.loads(done.stdout)['files']
        self.assertEqual(files[0]['levels']['normalisation'], files[1]['levels']['normalisation'])
        self.assertEqual(files[0]['warnings'], [])
        self.assertIn('the noise is', files[1]['warnings'][0])  # the clean stack has none

    def test_hot_pixels_are_replaced_and_nan_stays(self):
        voxels = read_voxels(self.noisy)

        def damaged(p, r, c):
            if (p, r, c) == (3, 10, 12):
                return 60000.0
            return math.nan if c == 31 else voxels[(p * 32 + r) * 32 + c]

        nifti(self.path('damaged.nii'), 8, 32, 32, damaged)
        steps = ('--steps', '20', '--batch', '2', '--crop', '32', '--run', self.path('run'))
        result = self.json_of('restore', self.path('damaged.nii'), '-o', self.path('out.nii'), *steps)
        self.assertEqual(result['levels'][0]['hot_pixels'], 1)
        self.assertEqual(result['levels'][0]['not_finite_voxels'], 8 * 32)
        restored = read_voxels(self.path('out.nii'))
        for i, value in enumerate(restored):
            self.assertEqual(math.isnan(value), i % 32 == 31)
        self.assertLess(max(v for v in restored if not math.isnan(v)), 300)

    def test_wrong_usage_is_exit_code_2(self):
        self.fails('frobnicate', code=2, says=["'frobnicate'"])
        self.fails('--frobnicate', code=2, says=["'--frobnicate'"])
        self.assertEqual(self.run_n2s().returncode, 2)
        self.assertIn('restore', self.run_n2s().stdout)
        self.fails('info', '--no-such-option', code=2, says=['--no-such-option'])
        self.fails('evaluate', self.noisy, code=2, says=['TRUTH'])
        self.fails('restore', self.noisy, '-o', 'x.nii', '--steps', '3', '--epochs', '2', code=2)

    def test_the_recipe_of_noise2noise(self):
        """Its loss needs undersampled whole planes and a second copy of them."""
        words = ['train', self.clean, '-o', self.path('run'), '--steps', '2', '--recipe', 'noise2noise']
        for more in ([], ['--method', 'noise2noise'], ['--method', 'noise2noise', '--noise', 'gaussian:5'],
                     ['--planes', '5', '--noise', 'kspace:0.5'], ['--method', 'noise2noise', '--noise', 'kspace:0.5', '--fixed-noise'],
                     ['--method', 'noise2noise', '--noise', 'kspace:0.5', '--crop', '16', '--net', 'microscopy']):
            self.fails(*words, *more, says=['--recipe noise2noise'])
        done = self.json_of(*words, '--method', 'noise2noise', '--noise', 'kspace:0.5')
        self.assertEqual((done['settings']['loss'], done['settings']['schedule']), ('after k-space data consistency', "Noise2Noise's"))
        self.json_of(*words, '--method', 'noise2noise', '--noise', 'kspace:0.5', '--force', '--keep', 'last')

    def test_senseless_values_are_wrong_usage(self):
        """Every option of numbers, with a value of each kind that makes no sense; nothing is written."""
        restore = ['restore', self.noisy, '-o', self.path('o.nii')]
        train = ['train', self.noisy, '-o', self.path('run')]
        denoise = ['denoise', self.path('run'), self.noisy, '-o', self.path('o.nii')]
        evaluate = ['evaluate', self.noisy, self.clean]
        whole = ('-1', '1.5', 'x', 'nan', 'inf', '', '99999999999999999999', '1e3', '0x10', ' 5')
        for words, option, more in ((restore, '--planes', ['0', '100000']), (restore, '--gap', ['100000']),
                                    (restore, '--batch', ['0', '5000']), (restore, '--crop', ['0', '8', '1000000']),
                                    (restore, '--steps', ['0']), (restore, '--epochs', ['0']), (train, '--max-shift', []),
                                    (train, '--validation-planes', []), (train, '--middle', []), (denoise, '--tile', ['0', '8']),
                                    (evaluate, '--channel', []), (evaluate, '--time', []), (evaluate, '--slice', []),
                                    (evaluate, '--series', []), (evaluate, '--threads', ['2000']), (evaluate, '--seed', []),
                                    (['bench'], '--size', ['0', '8', '100000']), (['demo'], '--steps', ['0'])):
            for value in (*whole, *more):
                if option == '--seed' and value == '99999999999999999999':
                    value = '18446744073709551616'
                with self.subTest(option=option, value=value):
                    self.fails(*words, option + '=' + value, code=2, says=[option])
        for words, option, more in ((restore, '--learning-rate', ['0', '1e30']), (train, '--minutes', ['0', '1e300']),
                                    (denoise, '--memory', ['0', '1e30']), (['bench'], '--seconds', ['1e30'])):
            for value in ('-1', 'x', 'nan', 'inf', '-inf', '', *more):
                with self.subTest(option=option, value=value):
                    self.fails(*words, option + '=' + value, code=2, says=[option])
        for words, option in ((restore, '--axis'), (restore, '--run'), (evaluate, '--dataset'), (evaluate, '--axes'),
                              (train, '--noise'), (train, '--method'), (train, '--net'), (restore, '--device')):
            with self.subTest(option=option, value=''):
                self.fails(*words, option, '', code=2, says=[option, 'empty'])
        for option, value in (('--net', 'unet'), ('--precision', 'fp8')):
            self.fails('bench', option, value, code=2, says=[option])
        self.fails(*evaluate, '--scale', 'foo', code=2, says=['--scale'])
        self.fails(*evaluate, '--clamp', '1', code=2, says=['--clamp'])
        self.fails(*evaluate, '--clamp', '1,0', says=['--clamp'])
        self.assertFalse(os.path.exists(self.path('o.nii')) or os.path.exists(self.path('run')))

    def test_values_that_do_not_fit_the_data_are_refused_before_training(self):
        train = ['train', self.noisy, '-o', self.path('run'), '--steps', '1', '--net', 'microscopy']
        for option, value, says in (('--gap', '7', '8'), ('--planes', '16', '8'), ('--max-shift', '32', '32 pixels'),
                                    ('--validation-planes', '8', '8 planes'), ('--middle', '9', '8 planes'),
                                    ('--channel', '1', 'channel 1'), ('--time', '1', 'time point 1'),
                                    ('--slice', '1', 'part of the stack'), ('--axis', 'w', "'w'"), ('--axis', 't', "'t'"),
                                    ('--axes', 'ZYX', 'leave it out'), ('--series', '0', 'leave it out'),
                                    ('--dataset', 'raw', 'leave it out'), ('--noise', 'gaussian:-1', 'gaussian:-1'),
                                    ('--noise', 'poisson:nan', 'poisson:nan'), ('--noise', 'kspace:0', 'kspace:0'),
                                    ('--method', 'noise2noise', 'noise2noise'), ('--planes', '3', '--target')):
            with self.subTest(option=option, value=value):
                self.fails(*train, option, value, says=[says])
        self.fails('restore', self.noisy, '-o', self.path('o.nii'), '--method', 'noise2noise', '--steps', '1',
                   says=['noise2noise', '--second'])
        self.fails('restore', self.noisy, '-o', self.path('o.png'), '--steps', '1', says=['o.png', 'PNG cannot hold Z=8'])

    def test_auto_says_which_device_it_took(self):
        words = ['bench', '--net', 'microscopy', '--batch', '1', '--size', '32', '--pass', 'inference', '--seconds', '0.01']
        self.assertIn('--device auto:', self.run_n2s(*words).stderr)
        self.assertNotIn('--device auto:', self.run_n2s(*words, '--device', 'cpu').stderr)
        self.assertEqual(self.run_n2s(*words, '--quiet').stderr, '')

    def test_evaluate_says_its_device_and_ignores_the_precision_of_networks(self):
        words = ['evaluate', self.noisy, self.clean, '--range', '100']
        done = self.run_n2s(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('--device auto:', done.stderr)
        quiet = self.run_n2s(*words, '--quiet', '--precision', 'fp16')
        self.assertEqual((quiet.stdout, quiet.stderr), (done.stdout, ''))
        self.fails(*words, '--device', 'cuda', says=['cuda'])

    def test_help_names_every_verb(self):
        done = self.run_n2s('--help')
        self.assertEqual(done.returncode, 0)
        for verb in ('restore', 'train', 'denoise', 'evaluate', 'corrupt', 'info', 'bench', 'demo'):
            self.assertIn(verb, done.stdout)
            self.assertIn('--seed', self.run_n2s(verb, '--help').stdout)

    def test_bad_input_files(self):
        out = self.path('out.nii')
        self.fails('restore', self.path('missing.nii'), '-o', out, says=['missing.nii'])
        with open(self.noisy, 'rb') as f:
            half = f.read()[:9000]
        with open(self.path('cut.nii'), 'wb') as f:
            f.write(half)
        self.fails('restore', self.path('cut.nii'), '-o', out, says=['cut.nii'])
        with open(self.path('text.nii'), 'w') as f:
            f.write('this is no image')
        self.fails('restore', self.path('text.nii'), '-o', out, says=['text.nii'])
        for name, planes, side, value, word in (('one', 1, 32, clean, 'plane'), ('two', 2, 32, clean, 'plane'),
                                                ('small', 8, 12, clean, '16'),
                                                ('nan', 8, 32, lambda p, r, c: math.nan if p == 3 else 1.0 * c, 'nan'),
                                                ('constant', 8, 32, lambda p, r, c: 7.0, '7')):
            nifti(self.path(name + '.nii'), planes, side, side, value)
            self.fails('restore', self.path(name + '.nii'), '-o', out, says=[word] if name != 'nan' else ['nan.nii'])
        self.assertFalse(os.path.exists(out))

    def test_outputs_are_not_overwritten_unasked(self):
        kept = self.path('kept.nii')
        with open(kept, 'w') as f:
            f.write('precious')
        self.fails('corrupt', self.clean, '-o', kept, '--noise', 'gaussian:5', says=['kept.nii'])
        with open(kept) as f:
            self.assertEqual(f.read(), 'precious')
        self.fails('corrupt', self.clean, '-o', self.path('nowhere/out.nii'), '--noise', 'gaussian:5', says=['nowhere'])
        self.fails('corrupt', self.clean, '-o', self.path('out.xyz'), '--noise', 'gaussian:5', says=['out.xyz'])
        self.assertEqual(self.run_n2s('corrupt', self.clean, '-o', kept, '--noise', 'gaussian:5', '--force').returncode, 0)

    def test_bad_options(self):
        out = self.path('out.nii')
        self.fails('corrupt', self.clean, '-o', out, '--noise', 'salt:5', says=['salt:5'])
        self.fails('corrupt', self.clean, '-o', out, '--noise', 'kspace:2', says=['kspace:2'])
        self.fails('restore', self.noisy, '-o', out, '--planes', '3', '--advice', 'off', '--steps', '1', says=['--second'])
        self.fails('restore', self.noisy, '-o', out, '--device', 'cuda', says=['cuda'])
        self.fails('restore', self.noisy, '-o', out, '--precision', 'fp16', says=['fp16'])
        self.fails('restore', self.noisy, '-o', out, '--method', 'magic', says=['magic'])
        self.fails('denoise', self.noisy, self.noisy, '-o', out, says=['noisy.nii'])

    def test_bf16_where_the_cpu_has_it(self):
        """A clear line elsewhere; a result near that of fp32 here."""
        out = self.path('out.nii')
        words = ['restore', self.noisy, '-o', out, '--steps', '4', '--device', 'cpu', '--force']
        with open('/proc/cpuinfo') as file:
            has_bf16 = 'avx512_bf16' in file.read()
        if not has_bf16:
            self.fails(*words, '--precision', 'bf16', says=['AVX-512 BF16'])
            return
        self.json_of(*words)
        expected = read_voxels(out)
        done = self.json_of(*words, '--precision', 'bf16')
        self.assertIn('bf16', done['settings']['device'])
        found = read_voxels(out)
        self.assertNotEqual(found, expected)
        spread = max(expected) - min(expected)
        self.assertLess(max(abs(a - b) for a, b in zip(found, expected)), 0.1 * spread)

    def test_evaluate_keeps_its_contract(self):
        result = self.json_of('evaluate', self.noisy, self.clean, '--range', '100')
        self.assertEqual(result['planes'], 8)
        for key in ('psnr', 'ssim', 'nrmse'):
            self.assertEqual(len(result['per_plane'][key]), 8)
            self.assertAlmostEqual(result[key], sum(result['per_plane'][key]) / 8, places=9)
        for key in ('range', 'clamp', 'affine', 'aggregation'):
            self.assertIn(key, result['how'])
        for words in ((), ('--affine',), ('--range', '100'), ('--scale', 'max'), ('--clamp', '0,150')):
            done = self.run_n2s('evaluate', self.noisy, self.clean, '--quiet', *words)
            self.assertEqual('clean.nii: values from 5' in done.stderr and '--range' in done.stderr, words in ((), ('--affine',)), (words, done.stderr))
        nifti(self.path('unit.nii'), 8, 32, 32, lambda p, r, c: clean(p, r, c) / 150)
        self.assertEqual(self.run_n2s('evaluate', self.path('unit.nii'), self.path('unit.nii'), '--quiet').stderr, '')
        same = self.run_n2s('evaluate', self.clean, self.clean, '--quiet').stdout
        self.assertIn('inf', same)
        self.assertNotIn('nan', same)
        spaced, joined = (self.json_of('evaluate', self.noisy, self.clean, '--scale', 'max', '--clamp', *limits)
                          for limits in (['-0.5', '0.5'], ['-0.5,0.5']))
        self.assertEqual(spaced, joined)
        self.assertEqual(joined['how']['clamp'], [-0.5, 0.5])
        mse = [0.0] * 8
        for i, (a, b) in enumerate(zip(read_voxels(self.noisy), read_voxels(self.clean))):
            mse[i // 1024] += (a - b) ** 2 / 1024
        expected = sum(10 * math.log10(100 ** 2 / m) for m in mse) / 8
        self.assertAlmostEqual(result['psnr'], expected, places=6)

    def test_corruption_is_reproducible_and_of_the_requested_size(self):
        for name, seed in (('a', '5'), ('b', '5'), ('c', '6')):
            self.assertEqual(self.run_n2s('corrupt', self.clean, '-o', self.path(name + '.nii'), '--noise', 'gaussian:10',
                                          '--seed', seed).returncode, 0)
        a, b, c, truth = (read_voxels(self.path(n)) for n in ('a.nii', 'b.nii', 'c.nii', 'clean.nii'))
        self.assertEqual(a, b)
        self.assertNotEqual(a, c)
        deviation = math.sqrt(sum((x - y) ** 2 for x, y in zip(a, truth)) / len(a))
        self.assertAlmostEqual(deviation, 10, delta=0.3)

    def test_restore_denoises_and_keeps_the_header(self):
        out = self.path('restored.nii')
        record = self.json_of('restore', self.noisy, '-o', out, '--steps', '150', '--batch', '4', '--crop', '32', '--net',
                              'microscopy', '--planes', '2')
        self.assertEqual(record['steps'], 150)
        for file in record['files'].values():
            self.assertTrue(os.path.exists(file), file)
        with open(out, 'rb') as f, open(self.noisy, 'rb') as g:
            self.assertEqual(f.read(352), g.read(352))
        before = self.json_of('evaluate', self.noisy, self.clean, '--range', '100')['psnr']
        after = self.json_of('evaluate', out, self.clean, '--range', '100')['psnr']
        self.assertGreater(after, before + 3)

    def test_interruption_loses_nothing(self):
        options = ['--steps', '60', '--batch', '2', '--crop', '32', '--net', 'microscopy', '--planes', '2', '--seed', '3']
        whole, parts = self.path('whole'), self.path('parts')
        self.assertEqual(self.run_n2s('train', self.noisy, '-o', whole, *options).returncode, 0)
        process = subprocess.Popen([N2S, 'train', self.noisy, '-o', parts, *options], stderr=subprocess.PIPE, text=True)
        while not os.path.exists(os.path.join(parts, 'last.safetensors')) and process.poll() is None:
            time.sleep(0.005)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        message = process.communicate(timeout=600)[1]
        if process.returncode != 0:  # a fast machine may have finished before the signal came
            self.assertEqual(process.returncode, 1)
            self.assertIn('--resume', message.splitlines()[-1])
            self.fails('train', self.noisy, '-o', parts, *options, says=['--resume'])
            self.assertEqual(self.run_n2s('train', self.noisy, '-o', parts, *options, '--resume').returncode, 0)
        for name in ('model', 'last', 'state'):
            with open(os.path.join(whole, name + '.safetensors'), 'rb') as f, \
                 open(os.path.join(parts, name + '.safetensors'), 'rb') as g:
                self.assertEqual(f.read(), g.read(), name)

    def test_models_of_other_kinds_are_refused(self):
        run = self.path('run')
        self.assertEqual(self.run_n2s('train', self.noisy, '-o', run, '--steps', '2', '--batch', '2', '--crop', '32',
                                      '--net', 'microscopy').returncode, 0)
        model = os.path.join(run, 'model.safetensors')
        with open(model, 'rb') as f:
            data = f.read()
        for cut in (4, 100, len(data) // 2, len(data) - 1):
            with open(self.path('cut.safetensors'), 'wb') as f:
                f.write(data[:cut])
            self.fails('denoise', self.path('cut.safetensors'), self.noisy, '-o', self.path('o.nii'), says=['cut.safetensors'])
        with open(self.path('other.safetensors'), 'wb') as f:
            f.write(data.replace(b'microscopy', b'mri       ').replace(b'\\"mri       \\"', b'\\"mri\\"       '))
        self.fails('denoise', self.path('other.safetensors'), self.noisy, '-o', self.path('o.nii'))
        self.fails('train', self.noisy, '-o', run, '--steps', '4', '--batch', '4', '--crop', '32', '--net', 'microscopy',
                   '--planes', '2', '--resume')

    def test_bench_and_info_speak_json(self):
        bench = self.json_of('bench', '--net', 'microscopy', '--planes', '2', '--batch', '1', '--size', '32', '--pass',
                             'training', '--seconds', '0.05')
        self.assertEqual(len(bench['results']), 1)
        for key in ('net', 'planes', 'batch', 'height', 'width', 'pass', 'precision', 'ms_per_plane', 'planes_per_second',
                    'gflops', 'share_of_ceiling'):
            self.assertIn(key, bench['results'][0])
        self.assertGreater(bench['ceilings']['gflops'], 0)
        self.assertGreater(bench['ceilings']['gbytes_per_second'], 0)
        build = self.json_of('info', '--threads', '1')
        for key in ('version', 'device', 'simd', 'libraries'):
            self.assertIn(key, build)
        self.assertEqual(build['threads'], 1)
        self.assertIn('stack', self.json_of('info', self.noisy))


unittest.main(verbosity=1)
