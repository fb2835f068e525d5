#!/usr/bin/env python3
"""n2s inspect, and the advice that restore takes: stacks whose noise, faults and right answer are known.

usage: inspect_test.py N2S    (the program)
"""
import array, html.parser, json, math, os, random, shlex, unittest

from program import ProgramTest, nifti, nifti_header, npy

PLANES, SIDE = 16, 64
SHORT = ('--steps', '2', '--batch', '2', '--crop', '32', '--threads', '1')


def scene(p, r, c):
    return 1000 + 400 * math.sin(r / 9 + p / 12) * math.cos(c / 11)


class Page(html.parser.HTMLParser):
    """Counts tags and checks that they are closed."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.pictures, self.text = [], [], [], ''

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == 'img':
            self.pictures.append(dict(attributes)['src'])
        if tag not in ('img', 'meta', 'br'):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text += data


class Inspect(ProgramTest):
    def setUp(self):
        super().setUp()
        draw = random.Random(4)
        noise = [[[draw.gauss(0, 80) for _ in range(SIDE)] for _ in range(SIDE)] for _ in range(PLANES)]
        self.white = self.path('white.nii')
        nifti(self.white, PLANES, SIDE, SIDE, lambda p, r, c: scene(p, r, c) + noise[p][r][c])
        # Planes between the planes, as after interpolation.
        self.between = self.path('between.nii')
        nifti(self.between, 2 * PLANES - 1, SIDE, SIDE,
              lambda p, r, c: scene(p / 2, r, c) + (noise[p // 2][r][c] + noise[(p + 1) // 2][r][c]) / 2)

    def found(self, *words):
        return self.json_of('inspect', *words)['inspected']

    def test_the_report_of_an_ordinary_stack(self):
        report = self.json_of('inspect', self.white)
        self.assertEqual(report['type'], 'float32')
        self.assertIn('names them', report['axes_from'])
        stack = report['inspected'][0]
        self.assertAlmostEqual(stack['noise']['deviation'] / 80, 1, delta=0.06)
        self.assertEqual(stack['noise']['kind'], 'gaussian')
        self.assertEqual(stack['advice']['trust'], 'yes')
        self.assertEqual((stack['advice']['method'], stack['advice']['planes'], stack['advice']['gap']), ('noise2self', 5, 0))
        text = self.run_n2s('inspect', self.white, '--quiet')
        self.assertEqual((text.returncode, text.stderr), (0, ''))
        for part in ('Can self-supervision be trusted here: yes', stack['command'], 'noise between planes'):
            self.assertIn(part, text.stdout)

    def test_the_command_for_a_single_image_runs(self):
        image, draw = self.path('image.npy'), random.Random(5)
        npy(image, (SIDE, SIDE), lambda r, c: scene(0, r, c) + draw.gauss(0, 80))
        words = shlex.split(self.found(image)[0]['command'])
        self.assertIn('noise2self', words)
        done = self.run_n2s(*words[1:], *SHORT)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_command_of_the_report_runs_whatever_the_file_is_called(self):
        strange = self.path("it's a (strange) name $HOME.nii")
        os.rename(self.white, strange)
        command = self.found(strange)[0]['command']
        words = shlex.split(command)
        self.assertEqual(words[:3], ['n2s', 'restore', strange])
        self.assertEqual(self.run_n2s(*words[1:], *SHORT).returncode, 0)

    def test_a_page_with_pictures(self):
        page = self.path('report.html')
        self.assertEqual(self.run_n2s('inspect', self.between, '-o', page).returncode, 0)
        parser = Page()
        with open(page, encoding='utf-8') as f:
            parser.feed(f.read())
        self.assertEqual(parser.open, [])
        self.assertEqual(len(parser.pictures), 5)
        for picture in parser.pictures:
            self.assertTrue(picture.startswith('data:image/png;base64,iVBORw0KGgo'))
        self.assertIn('--gap 2', parser.text)
        self.fails('inspect', self.between, '-o', page, says=[page, '--force'])
        self.fails('inspect', self.between, '-o', self.path('report.txt'), says=['.html'])

    def test_faults_are_listed(self):
        faulty = self.path('faulty.npy')
        draw = random.Random(5)
        values = [[[scene(p, r, c) + draw.gauss(0, 60) for c in range(SIDE)] for r in range(SIDE)] for p in range(PLANES)]
        values[5] = [[7.0] * SIDE] * SIDE
        values[9] = values[8]
        values[12][3][4] = math.nan
        npy(faulty, (PLANES, SIDE, SIDE), lambda p, r, c: values[p][r][c])
        report = self.json_of('inspect', faulty)
        self.assertIn('assumed', report['axes_from'])
        planes = report['inspected'][0]['planes']
        self.assertEqual((planes['empty'], planes['repeated']), ([5], [9]))
        self.assertEqual(report['inspected'][0]['levels']['not_finite'], 1)
        self.assertEqual(report['inspected'][0]['advice']['trust'], 'with care')

    def test_each_channel_is_inspected(self):
        path = self.path('channels.npy')
        draw = random.Random(6)
        npy(path, (2, PLANES, 32, 32), lambda c, p, r, x: scene(p, r, x) + draw.gauss(0, 20 + 100 * c))
        stacks = self.found(path, '--axes', 'CZYX')
        self.assertEqual(len(stacks), 2)
        for stack, deviation in zip(stacks, (20, 120)):
            self.assertAlmostEqual(stack['noise']['deviation'] / deviation, 1, delta=0.15)
            self.assertIn('--axes CZYX', stack['command'])
        self.assertEqual(len(self.found(path, '--axes', 'CZYX', '--channel', '1')), 1)

    def test_restore_takes_the_advice_and_resumes_with_it(self):
        out, run = self.path('out.nii'), self.path('out.nii.run')
        record = self.json_of('restore', self.between, '-o', out, '--net', 'microscopy', *SHORT)
        self.assertEqual(record['advice']['gap'], 2)
        self.assertEqual((record['configuration']['planes'], record['configuration']['gap']), (4, 2))
        again = self.json_of('restore', self.between, '-o', out, '--net', 'microscopy', *SHORT, '--resume', '--force')
        self.assertEqual(again['configuration']['gap'], 2)
        self.assertEqual(self.json_of('info', run)['gap'] if 'gap' in self.json_of('info', run) else 2, 2)
        notes = self.run_n2s('restore', self.between, '-o', out, *SHORT, '--force').stderr
        self.assertIn('noise2stack, 4 planes, gap 2', notes)
        self.assertIn('neighbouring planes share their finest detail', notes)

    def test_restore_hides_pixels_where_the_noise_is_independent(self):
        out, run = self.path('out.nii'), self.path('out.nii.run')
        for words, expected in (((), ('noise2self', 5, 'blind-spot')), (('--planes', '3'), ('noise2self', 3, 'blind-spot')),
                                (('--planes', '2'), ('noise2stack', 2, 'mri')), (('--net', 'mri'), ('noise2stack', 4, 'mri')),
                                (('--method', 'noise2stack'), ('noise2stack', 4, 'mri')), (('--advice', 'off'), ('noise2stack', 4, 'mri'))):
            with self.subTest(words=words):
                self.json_of('restore', self.white, '-o', out, *SHORT, '--force', *words)
                model = self.json_of('info', run)
                self.assertEqual((model['method'], model['planes'], model['network']), expected)
        self.assertIn('noise2self, 5 planes, gap 0, normalisation mean-std, by inspection: the noise is independent from pixel to pixel',
                      self.run_n2s('restore', self.white, '-o', out, *SHORT, '--force').stderr)
        again = self.json_of('restore', self.white, '-o', out, *SHORT, '--resume', '--force')
        self.assertEqual(again['configuration']['method'], 'noise2self')

    def test_the_advice_restores_what_the_defaults_cannot(self):
        truth = self.path('truth.nii')
        nifti(truth, 2 * PLANES - 1, SIDE, SIDE, lambda p, r, c: scene(p / 2, r, c))
        psnr = []
        for words in (('--advice', 'off'), ()):
            out = self.path('out.nii')
            self.json_of('restore', self.between, '-o', out, '--net', 'microscopy', '--steps', '300', '--batch', '8', '--crop', '32',
                         '--threads', '2', '--force', *words)
            psnr.append(self.json_of('evaluate', out, truth, '--scale', 'max')['psnr'])
        noisy = self.json_of('evaluate', self.between, truth, '--scale', 'max')['psnr']
        self.assertLess(psnr[0], noisy + 3)  # the noise that planes share stays
        self.assertGreater(psnr[1], psnr[0] + 3, psnr)

    def test_what_the_user_says_stands(self):
        out = self.path('out.nii')
        for words, expected in ((('--gap', '0'), (4, 0)), (('--planes', '2'), (2, 2)), (('--advice', 'off'), (4, 0)),
                                (('--planes', '2', '--gap', '1', '--normalise', 'mean-std'), (2, 1))):
            record = self.json_of('restore', self.between, '-o', out, '--net', 'microscopy', *SHORT, '--force', *words)
            self.assertEqual((record['configuration']['planes'], record['configuration']['gap']), expected, words)

    def test_dissimilar_neighbours_are_warned_about(self):
        path = self.path('unlike.nii')
        draw = random.Random(7)
        phases = [(draw.uniform(0, 6), draw.uniform(5, 12), draw.uniform(0, 6), draw.uniform(5, 12)) for _ in range(PLANES)]
        nifti(path, PLANES, SIDE, SIDE, lambda p, r, c: 1000 + 400 * math.sin(r / phases[p][1] + phases[p][0]) *
              math.cos(c / phases[p][3] + phases[p][2]) + draw.gauss(0, 60))
        self.assertEqual(self.found(path)[0]['advice']['trust'], 'no')
        done = self.run_n2s('restore', path, '-o', self.path('out.nii'), *SHORT, '--quiet')
        self.assertEqual(done.returncode, 0)
        self.assertIn('warning: ' + path, done.stderr)
        self.assertIn('Noise2Void or BM3D', done.stderr)

    def test_what_cannot_be_inspected(self):
        self.fails('inspect', self.path('missing.nii'), says=['missing.nii'])
        flat = self.path('flat.nii')
        nifti(flat, 4, 32, 32, lambda p, r, c: 3)
        self.fails('inspect', flat, says=['flat.nii', 'nothing to restore'])
        single = self.path('single.nii')
        nifti(single, 1, 32, 32, lambda p, r, c: scene(p, r, c) + r % 3)
        self.assertEqual(self.found(single)[0]['advice']['trust'], 'no')

    def test_a_large_file_is_read_a_few_planes_at_a_time(self):
        path = self.path('large.nii')
        draw = random.Random(8)
        side, planes = 512, 70
        noise = array.array('h', (draw.randrange(-150, 150) for _ in range(side * side * 2)))
        with open(path, 'wb') as f:
            f.write(nifti_header(planes, side, side, 4, 16))
            for p in range(planes):
                at = draw.randrange(side * side)
                f.write(array.array('h', (1000 + (i // side // 32) % 5 * 100 + v
                                          for i, v in enumerate(noise[at:at + side * side]))).tobytes())
        stack = self.found(path)[0]
        self.assertEqual(stack['planes']['count'], planes)
        self.assertLess(len(stack['planes']['sampled']), 50)
        self.assertAlmostEqual(stack['noise']['deviation'] / (300 / math.sqrt(12)), 1, delta=0.05)


unittest.main(verbosity=1)
