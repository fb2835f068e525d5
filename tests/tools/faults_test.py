#!/usr/bin/env python3
"""What goes wrong around a run: folders in use, outputs of one name, full or closed standard streams, odd file names, a
terminal that goes away, a training that diverges, senseless numbers. Nothing is lost, and one line says what to do.

usage: faults_test.py N2S    (the program)
"""
import array, json, os, random, signal, subprocess, time, unittest

from program import N2S, ProgramTest, clean, nifti, nifti_header

SHORT = ['--batch', '2', '--crop', '32', '--net', 'microscopy', '--planes', '2', '--threads', '1']


def steps_of(run):
    with open(os.path.join(run, 'log.jsonl')) as f:
        return [json.loads(line)['step'] for line in f]


class Faults(ProgramTest):
    def start_training(self, run, *words):
        """A training that has begun to save its state."""
        process = subprocess.Popen([N2S, 'train', self.noisy, '-o', run, *SHORT, *words], stderr=subprocess.PIPE, text=True)
        while not os.path.exists(os.path.join(run, 'state.safetensors')) and process.poll() is None:
            time.sleep(0.005)
        return process

    def test_two_inputs_of_one_name_are_refused_before_any_work(self):
        model, out = self.path('model'), self.path('out')
        self.json_of('train', self.noisy, '-o', model, '--steps', '2', *SHORT)
        os.mkdir(self.path('b'))
        other = self.path('b/noisy.nii')
        nifti(other, 8, 32, 32, clean)
        self.fails('denoise', model, self.noisy, other, '-o', out, says=['b/noisy.nii', 'different folders'])
        self.assertFalse(os.path.exists(out))

    def test_a_run_in_use_is_locked(self):
        run = self.path('run')
        process = self.start_training(run, '--steps', '100000', '--quiet')
        self.fails('train', self.noisy, '-o', run, '--steps', '100000', *SHORT, '--resume', says=['another n2s is training here'])
        self.fails('train', self.noisy, '-o', run, '--steps', '5', *SHORT, '--force', says=['another n2s is training here'])
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=600)
        steps = steps_of(run)
        self.assertEqual(steps, sorted(set(steps)))
        self.json_of('train', self.noisy, '-o', run, '--steps', '5', *SHORT, '--force')

    def test_each_step_has_one_record(self):
        run = self.path('run')
        self.json_of('train', self.noisy, '-o', run, '--steps', '60', '--validation-planes', '1', *SHORT)
        self.assertEqual(steps_of(run), list(range(1, 61)))

    def test_a_terminal_that_goes_away_saves_the_run(self):
        for sign in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            run = self.path('run%d' % sign)
            process = self.start_training(run, '--steps', '100000', '--quiet')
            process.send_signal(sign)
            self.assertIn('saved', process.communicate(timeout=600)[1])
            self.assertEqual(process.returncode, 1)

    def test_results_that_cannot_be_written_are_an_error(self):
        for words in (['info', self.noisy], ['evaluate', self.noisy, self.clean, '--json'], ['info', '--json']):
            with open('/dev/full', 'w') as full:
                done = subprocess.run([N2S, *words], stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn('standard output', done.stderr)

    def test_closed_standard_streams_do_no_harm(self):
        for streams in ('2>&-', '>&-', '<&- >&- 2>&-'):
            out = self.path('out%d.nii' % len(streams))
            done = subprocess.run(['sh', '-c', '"$1" corrupt "$2" -o "$3" --noise gaussian:5 --seed 1 --quiet ' + streams, 'sh', N2S,
                                   self.clean, out])
            self.assertEqual(done.returncode, 0, streams)
            self.assertEqual(os.path.getsize(out), os.path.getsize(self.clean))

    def test_file_names_are_bytes_and_come_out_as_valid_json(self):
        name = os.fsencode(self.folder.name) + b'/caf\xe9 "\n.nii'
        os.rename(self.clean, name)
        done = subprocess.run([N2S, 'evaluate', self.noisy, name, '--json', '--quiet'], capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        json.loads(done.stdout)  # valid, and UTF-8
        out = os.fsencode(self.folder.name) + b'/caf\xe9 out.nii'
        done = subprocess.run([N2S, 'corrupt', name, '-o', out, '--noise', 'gaussian:5', '--json'], capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(os.path.exists(out))

    def test_a_training_that_diverges_says_so(self):
        run, out = self.path('run'), self.path('out.nii')
        self.fails('train', self.noisy, '-o', run, '--steps', '60', '--learning-rate', '10', *SHORT,
                   says=['diverged', '--learning-rate', 'model.safetensors'])
        self.assertTrue(os.path.exists(os.path.join(run, 'model.safetensors')))
        self.fails('restore', self.noisy, '-o', out, '--steps', '60', '--learning-rate', '10', *SHORT, says=['diverged'])
        self.assertFalse(os.path.exists(out))

    def test_values_that_32_bit_floats_round_are_warned_of(self):
        def counts(name, offset, step):
            voxels = [offset + step * (p * 7 + r * 5 + c * 3) % 97 for p in range(4) for r in range(32) for c in range(32)]
            with open(self.path(name), 'wb') as f:
                f.write(nifti_header(4, 32, 32, 8, 32) + array.array('i', voxels).tobytes())
            return self.path(name)
        far, wide = counts('far.nii', 10 ** 9, 1), counts('wide.nii', 0, 10 ** 7)
        self.run_n2s('train', wide, '-o', self.path('run'), '--steps', '2', *SHORT)
        for words in (('restore', '-o', self.path('a.nii'), '--steps', '2', '--method', 'noise2stack', *SHORT), ('bm3d', '-o', self.path('b.nii')), ('inspect',),
                      ('nlm', '-o', self.path('c.nii')), ('corrupt', '-o', self.path('d.nii'), '--noise', 'gaussian:5'),
                      ('train', '-o', self.path('e'), '--steps', '2', *SHORT), ('evaluate', far), ('evaluate', wide)):
            for stack in (far, wide):
                done = subprocess.run([N2S, words[0], stack, *words[1:], '--quiet', *(['--force'] if '-o' in words else [])], capture_output=True, text=True)
                self.assertEqual('far.nii: values from 1' in done.stderr and 'steps of 64' in done.stderr, stack == far or far in words, (words, done.stderr))
        done = self.run_n2s('denoise', self.path('run'), far, '-o', self.path('f.nii'))
        self.assertIn('subtract an offset', done.stderr)

    def test_few_counts_are_not_rounded_without_a_word(self):
        """Photon counts up to 9: rounding the result to whole numbers adds as much error as is left of the noise."""
        def counts(name, factor):
            draw = random.Random(3)
            voxels = bytes(factor * min(9, max(0, round(clean(p, r, c) / 30 + draw.gauss(0, 1)))) for p in range(4) for r in range(32) for c in range(32))
            with open(self.path(name), 'wb') as f:
                f.write(nifti_header(4, 32, 32, 2, 8) + voxels)
            return self.path(name)
        few, many = counts('few.nii', 1), counts('many.nii', 20)
        self.run_n2s('train', few, '-o', self.path('run'), '--steps', '2', *SHORT)
        learns = ('--steps', '2', '--method', 'noise2stack', *SHORT)
        for words in (('restore', '', *learns), ('bm3d', ''), ('nlm', ''), ('denoise', self.path('run'), '')):
            for stack in (few, many):
                for form in ('nii', 'tif'):
                    for more in ((), ('--float',)):
                        out = self.path('out.' + form)
                        done = self.run_n2s(*[word or stack for word in words], '-o', out, '--force', '--quiet', *more)
                        self.assertEqual(done.returncode, 0, done.stderr)
                        expected = stack == few and not more
                        self.assertEqual('few.nii: values from 0 to' in done.stderr and '--float keeps fractions' in done.stderr, expected,
                                         (words, more, done.stderr))
                        self.assertEqual(self.json_of('info', out)['type'], 'float32' if more else 'uint8')

    def test_noise_that_does_not_fit_the_values_is_warned_of(self):
        for name, value in (('unit.nii', lambda p, r, c: clean(p, r, c) / 150), ('signed.nii', lambda p, r, c: clean(p, r, c) - 100)):
            nifti(self.path(name), 4, 32, 32, value)
        for stack, noise, says in (('unit.nii', 'gaussian:25', 'values from 0.3'), ('unit.nii', 'gaussian:0.1', ''), ('unit.nii', 'poisson:1', '1 events at most'),
                                   ('unit.nii', 'poisson:0.01', ''), ('signed.nii', 'poisson:1', '% of the values are below 0'), ('signed.nii', 'gaussian:25', '')):
            for words in (('corrupt', '-o', self.path('out.nii')), ('train', '-o', self.path('run'), '--steps', '2', *SHORT)):
                done = self.run_n2s(words[0], self.path(stack), *words[1:], '--noise', noise, '--force', '--quiet')
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(says in done.stderr if says else not done.stderr, (stack, noise, done.stderr))
        for verb in ('bm3d', 'nlm'):
            for words, doubtful in ((('--sigma', '25'), True), (('--sigma', '0.1'), False), (('--noise', 'poisson:1'), True), (('--noise', 'poisson:0.01'), False)):
                done = self.run_n2s(verb, self.path('unit.nii'), '-o', self.path('out.nii'), *words, '--force', '--quiet')
                self.assertEqual("in the file's units" in done.stderr, doubtful, (verb, words, done.stderr))

    def test_noise_that_integers_cut_off_is_told(self):
        for level, words, cut in ((3, ('--keep-type',), True), (128, ('--keep-type',), False), (3, (), False)):
            with open(self.path('bytes.nii'), 'wb') as f:
                f.write(nifti_header(4, 32, 32, 2, 8) + bytes(level + (r * c) % 5 for p in range(4) for r in range(32) for c in range(32)))
            done = self.run_n2s('corrupt', self.path('bytes.nii'), '-o', self.path('out.nii'), '--noise', 'gaussian:4', *words, '--force', '--quiet')
            self.assertEqual('outside what uint8 holds' in done.stderr, cut, (level, words, done.stderr))

    def test_an_orientation_that_is_lost_is_told(self):
        for out, lost in (('out.nii', False), ('out.nii.gz', False), ('out.nrrd', True), ('out.tif', True)):
            for words in (('nlm',), ('corrupt', '--noise', 'gaussian:5')):
                done = self.run_n2s(words[0], self.noisy, '-o', self.path(out), *words[1:], '--force')
                self.assertEqual('orientation is not carried over' in done.stderr, lost, (out, words, done.stderr))

    def test_frequencies_that_were_not_measured_are_not_put_back(self):
        """k-space data consistency with another seed, rate, copy or first plane takes the wrong ones: that looks like a worse network."""
        stack, run, out = self.path('stack.nii'), self.path('run'), self.path('out.nii')
        draw = random.Random(4)
        texture = [[[clean(p, r, c) + draw.gauss(0, 15) for c in range(48)] for r in range(48)] for p in range(6)]
        nifti(stack, 6, 48, 48, lambda p, r, c: texture[p][r][c])
        for name, noise, more in (('k.nii', 'kspace:0.3', ()), ('second.nii', 'kspace:0.3', ('--second-copy',)), ('g.nii', 'gaussian:5', ())):
            self.run_n2s('corrupt', stack, '-o', self.path(name), '--noise', noise, '--seed', '4', *more)
        self.run_n2s('train', self.path('k.nii'), '-o', run, '--steps', '2', *SHORT)
        with open(self.path('k.nii'), 'rb') as f:
            data = f.read()
        with open(self.path('cut.nii'), 'wb') as f:  # without its first plane
            f.write(nifti_header(5, 48, 48) + data[352 + 48 * 48 * 4:])
        for name, words in (('k.nii', ('kspace:0.3', '5')), ('k.nii', ('kspace:0.1', '4')), ('second.nii', ('kspace:0.3', '4')), ('g.nii', ('kspace:0.3', '4')),
                            ('cut.nii', ('kspace:0.3', '4'))):
            self.fails('denoise', run, self.path(name), '-o', out, '--measured', words[0], '--seed', words[1], says=[name, 'no more measured than others'])
        self.fails('denoise', run, self.path('k.nii'), '-o', out, '--measured', 'gaussian:5', says=['--measured gaussian:5', 'only kspace'])
        done = self.run_n2s('denoise', run, self.path('k.nii'), '-o', out, '--measured', 'kspace:0.3', '--seed', '4')
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_run_that_cannot_begin_leaves_the_one_that_it_was_to_replace(self):
        run, other = self.path('run'), self.path('other.nii')
        nifti(other, 6, 32, 32, clean)
        for verb, words in (('train', (self.noisy, '-o', run)), ('restore', (self.noisy, '-o', self.path('out.nii'), '--run', run))):
            self.run_n2s(verb, *words, '--steps', '2', '--force', *SHORT)
            def files():
                contents = {}
                for name in os.listdir(run):
                    with open(os.path.join(run, name), 'rb') as f:
                        contents[name] = f.read()
                return contents
            before = files()
            self.assertIn('model.safetensors', before)
            second = '--target' if verb == 'train' else '--second'
            for wrong in ((second, other), (second, self.noisy), ('--normalise', 'none'), ('--planes', '40'), ('--gap', '9'), ('--channel', '3'), ('--keep', 'best'),
                          ('--method', 'noise2clean'), ('--validation-planes', '99')):
                done = self.run_n2s(verb, *words, '--steps', '2', *SHORT, *wrong, '--force')
                self.assertEqual(done.returncode != 0, files() == before, (verb, wrong, done.stderr))
                self.assertTrue(done.returncode == 1 or wrong[0] != second, (verb, wrong))
                if done.returncode == 0:
                    before = files()

    def test_the_record_says_which_model_was_kept(self):
        last = self.json_of('train', self.noisy, '-o', self.path('a'), '--steps', '20', '--validation-planes', '1', *SHORT)
        self.assertEqual((last['kept']['rule'], last['kept']['step']), ('last', 20))
        words = ['--validation-planes', '1', '--epochs', '2', *SHORT]
        best = self.json_of('train', self.noisy, '-o', self.path('b'), *words)
        self.assertEqual((best['kept']['rule'], best['kept']['step']), ('best', best['best_step']))
        self.assertIn('standard error', best['kept']['why'])
        self.fails('train', self.noisy, '-o', self.path('c'), '--keep', 'best', '--steps', '3', *SHORT,
                   says=['--validation-planes'])


unittest.main(verbosity=1)
