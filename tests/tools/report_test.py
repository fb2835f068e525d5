#!/usr/bin/python3
"""The pages of experiments and runs, in headless Chromium (Debian's package): they load without an error, fetch nothing, and their
sliders move pictures.

usage: report_test.py N2S    (the program)
"""
import csv, html.parser, json, os, re, subprocess, unittest, xml.etree.ElementTree

import numpy, tifffile

from program import ProgramTest

# Runs in the page once it has loaded, as a reader would: moves each slider, changes each list, switches the colours.
READER = '''<script>
  const found = {errors: [], viewers: []};
  addEventListener('error', event => found.errors.push(event.message));
  const fail = console.error;
  console.error = (...words) => { found.errors.push(words.join(' ')); fail(...words); };
  addEventListener('load', () => {
    for (const viewer of document.querySelectorAll('.viewer')) {
      const [under, over] = viewer.querySelectorAll('img');
      const set = (name, value) => {
        const control = viewer.querySelector('[name=' + name + ']');
        control.value = value;
        control.dispatchEvent(new Event('input', {bubbles: true}));
      };
      const state = () => ({under: under.src.length + under.src.slice(-40), over: over.src.length + over.src.slice(-40), clip: over.style.clipPath,
                            label: viewer.querySelector('output').textContent, alt: under.alt});
      const states = [state()];
      set('divider', 20); states.push(state());
      set('plane', 0); states.push(state());
      set('right', viewer.querySelector('[name=left]').value); states.push(state());
      found.viewers.push(states);
    }
    const dark = () => getComputedStyle(document.body).backgroundColor;
    found.colours = [dark()];
    document.getElementById('theme').click();
    found.colours.push(dark());
    found.fetched = performance.getEntriesByType('resource').map(entry => entry.name).filter(name => !name.startsWith('data:'));
    found.broken = [...document.images].filter(image => image.complete && image.naturalWidth === 0).length;
    found.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    document.documentElement.setAttribute('data-found', JSON.stringify(found));
  });
</script>'''


class Tags(html.parser.HTMLParser):
    """Sources and labels of a page."""

    def __init__(self, text):
        super().__init__()
        self.images, self.links, self.unlabelled, self.found = [], [], 0, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == 'html' and 'data-found' in attributes:
            self.found = json.loads(attributes['data-found'])
        if tag == 'img':
            self.images.append(attributes)
        if tag in ('link', 'a', 'script', 'iframe'):
            self.links += [attributes[name] for name in ('href', 'src') if name in attributes]
        if tag == 'svg' and not attributes.get('aria-label'):
            self.unlabelled += 1


class Pages(ProgramTest):
    def browse(self, page):
        with open(page) as file:
            text = file.read()
        probe = self.path('probe.html')
        with open(probe, 'w') as file:
            file.write(text.replace('<meta charset', READER + '<meta charset', 1))
        done = subprocess.run(['chromium', '--headless', '--no-sandbox', '--disable-gpu', '--virtual-time-budget=10000', '--window-size=1000,900',
                               f'--user-data-dir={self.path("browser")}', '--dump-dom', f'file://{probe}'],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=120, check=True)
        return Tags(done.stdout).found

    def check_page(self, page, viewers):
        with open(page) as file:
            text = file.read()
        self.assertLess(len(text), 8 << 20)
        tags = Tags(text)
        self.assertTrue(all(link.startswith('data:') for link in tags.links), tags.links)
        self.assertTrue(all(image['src'].startswith('data:image/png;base64,') and 'alt' in image for image in tags.images))
        self.assertEqual(tags.unlabelled, 0)
        found = self.browse(page)
        self.assertEqual((found['errors'], found['fetched'], found['broken']), ([], [], 0))
        self.assertLessEqual(found['overflow'], 0)
        self.assertNotEqual(*found['colours'])
        self.assertEqual(len(found['viewers']), viewers)
        for begin, divided, moved, same in found['viewers']:
            self.assertNotEqual(begin['clip'], divided['clip'])
            self.assertEqual(begin['over'], divided['over'])
            self.assertNotEqual(divided['over'], moved['over'])
            self.assertNotEqual(divided['label'], moved['label'])
            self.assertNotEqual(divided['under'], moved['under'])
            self.assertEqual(same['over'], same['under'])
            self.assertNotEqual(moved['alt'], same['alt'])
        return text

    def assert_parts(self, parts, text):
        """Without the page in the message."""
        for part in parts:
            self.assertTrue(part in text, f'the page lacks: {part}')

    def check_figures(self, folder, names):
        self.assertEqual(sorted(os.listdir(folder)), sorted(f'{name}.{kind}' for name in names for kind in ('csv', 'svg')))
        for name in names:
            drawing = xml.etree.ElementTree.parse(f'{folder}/{name}.svg').getroot()
            lines = drawing.findall('.//{http://www.w3.org/2000/svg}polyline')
            with open(f'{folder}/{name}.csv') as file:
                rows = list(csv.DictReader(file))
            # As many points as numbers, from left to right.
            points = [re.findall(r'([\d.]+),([\d.]+)', line.get('points')) for line in lines]
            self.assertEqual(sum(map(len, points)), len(rows))
            for line in points:
                places = [float(x) for x, _ in line]
                self.assertEqual(places, sorted(places))

    def test_microscopy(self):
        self.json_of('simulate', 'microscopy', '-o', self.path('plate'), '--wells', '2', '--fields', '3', '--planes', '3', '--side', '64')
        self.json_of('prepare', 'microscopy', self.path('plate'), '-o', self.path('<plate> & "more".h5'))
        out = self.path('run')
        self.json_of('reproduce', 'microscopy', self.path('<plate> & "more".h5'), '-o', out, '--scale', '1', '--methods',
                     'segmentation,truth,noisy,2,4,brightfield')
        text = self.check_page(out + '/report.html', viewers=2)
        self.assert_parts(['&lt;plate&gt; &amp; &quot;more&quot;.h5'], text)
        self.assert_parts(('Noise2Stack 4 planes', 'Downstream check', 'How each number was made', 'first plane', 'Bright field'), text)
        self.check_figures(out + '/figures', ['planes', 'position', 'dice', 'objects', 'loss'])

    def test_mri(self):
        self.json_of('simulate', 'mri', '-o', self.path('scans'), '--subjects', '5', '--planes', '8', '--side', '64')
        self.json_of('prepare', 'mri', self.path('scans'), '-o', self.path('mri.h5'), '--middle', '7', '--side', '64')
        out = self.path('run')
        self.json_of('reproduce', 'mri', self.path('mri.h5'), '-o', out, '--scale', '1', '--methods', 'noisy,noise2noise-recipe,2,4')
        text = self.check_page(out + '/report.html', viewers=1)
        self.assert_parts(('28.6 / 31.3', 'data consistency', 'other data', 'plane 7 of 7'), text)
        self.check_figures(out + '/figures', ['planes', 'position', 'position-data-consistency', 'loss'])

    def stack(self, name, noise, seed=1):
        """A TIFF of 9 planes, and its values."""
        z, y, x = numpy.mgrid[:9, :64, :80]
        values = 300 + 100 * numpy.sin(x / 9 + z / 7) * numpy.cos(y / 11)
        values = (values + numpy.random.default_rng(seed).normal(0, noise, values.shape)).astype('f4')
        tifffile.imwrite(self.path(name), values, imagej=True, metadata={'axes': 'ZYX'})
        return values

    def test_restored_stack(self):
        noisy = self.stack('noisy <1>.tif', 30)
        done = self.json_of('restore', self.path('noisy <1>.tif'), '-o', self.path('out.tif'), '--steps', '8', '--run', self.path('run'),
                            '--report', self.path('page.html'))
        self.assertEqual(done['files']['report'], self.path('page.html'))
        text = self.check_page(self.path('page.html'), viewers=1)
        self.assert_parts(('noisy &lt;1&gt;.tif, restored', 'plane 5 of 9', 'noise2self', 'Training loss', 'independent'), text)
        # The pictures are those of the file and of what became of it.
        shown = [0, 2, 4, 6, 8]
        numpy.testing.assert_allclose(tifffile.imread(self.path('run/shown-input.tif')), noisy[shown], atol=0.01)
        numpy.testing.assert_allclose(tifffile.imread(self.path('run/shown-restored.tif')), tifffile.imread(self.path('out.tif'))[shown],
                                      atol=0.01)

    def test_runs_side_by_side(self):
        """Both have learned from the same planes, so their pictures are together; a third run has others."""
        self.stack('noisy.tif', 30)
        self.stack('second.tif', 30, seed=2)
        self.stack('clean.tif', 0)
        self.json_of('train', self.path('noisy.tif'), '-o', self.path('a'), '--steps', '3')
        self.json_of('train', self.path('noisy.tif'), '--target', self.path('second.tif'), '-o', self.path('b'), '--steps', '4',
                     '--normalise', 'mean-std', '--report', self.path('b.html'))
        self.json_of('train', self.path('clean.tif'), '-o', self.path('c'), '--noise', 'gaussian:30', '--steps', '2')
        self.assert_parts(['second copy'], self.check_page(self.path('b.html'), viewers=1))
        runs = [self.path(name) for name in 'abc']
        self.json_of('report', *runs, '-o', self.path('page.html'))
        text = self.check_page(self.path('page.html'), viewers=2)
        self.assert_parts((f'restored: {runs[0]}', f'restored: {runs[1]}', 'gaussian:30', 'clean'), text)
        rows = dict(re.findall(r'<th scope="row">([^<]*)</th>((?:<td>[^<]*</td>)*)', text))
        self.assertEqual(rows['steps'], '<td>3</td><td>4</td><td>2</td>')
        self.assertEqual(rows['normalisation'], '<td>percentile</td><td>mean-std</td><td>percentile</td>')

    def test_channels(self):
        """One run for each channel."""
        values = numpy.random.default_rng(1).normal(100, 20, (5, 2, 32, 32)).astype('f4')
        tifffile.imwrite(self.path('two.tif'), values, imagej=True, metadata={'axes': 'ZCYX'})
        self.json_of('restore', self.path('two.tif'), '-o', self.path('out.tif'), '--steps', '1', '--run', self.path('run'))
        self.json_of('report', self.path('run'), '-o', self.path('page.html'))
        text = self.check_page(self.path('page.html'), viewers=2)
        self.assert_parts(['run, channel 0', 'run, channel 1'], text)

    def test_evaluated_stack(self):
        clean = self.stack('clean.tif', 0)
        self.stack('noisy.tif', 30)
        found = self.json_of('evaluate', self.path('noisy.tif'), self.path('clean.tif'), '--range', '200', '--report', self.path('page.html'))
        text = self.check_page(self.path('page.html'), viewers=1)
        self.assert_parts((f'{found["psnr"]:.2f} ±', f'{found["ssim"]:.3f} ±', 'result - truth', 'plane 9 of 9'), text)
        # A truth without any difference has no PSNR to draw.
        self.json_of('evaluate', self.path('clean.tif'), self.path('clean.tif'), '--range', '200', '--report', self.path('same.html'))
        with open(self.path('same.html')) as file:
            self.assert_parts(['∞'], file.read())
        self.json_of('evaluate', self.path('noisy.tif'), self.path('clean.tif'), '--affine', '--range', '200', '--report', self.path('affine.html'))
        with open(self.path('affine.html')) as file:
            self.assertFalse('result - truth' in file.read())

    def test_demo(self):
        found = self.json_of('demo', '-o', self.path('demo'), '--steps', '1', '--report', self.path('page.html'))
        text = self.check_page(self.path('page.html'), viewers=1)
        self.assert_parts((f'{found["noisy"]["psnr"]:.2f} ±', f'{found["postprocessed"]["psnr"]:.2f} ±', 'plane 100 of 100', 'post-processed'), text)

    def test_experiments_side_by_side(self):
        self.json_of('simulate', 'mri', '-o', self.path('scans'), '--subjects', '5', '--planes', '8', '--side', '32')
        self.json_of('prepare', 'mri', self.path('scans'), '-o', self.path('mri.h5'), '--middle', '7', '--side', '32')
        for scale in '12':
            self.json_of('reproduce', 'mri', self.path('mri.h5'), '-o', self.path(scale), '--scale', scale, '--methods', 'noisy,2')
        os.remove(self.path('1/report.html'))
        self.json_of('report', self.path('1'), '-o', self.path('one.html'))
        self.assert_parts(['Noise2Stack 2 planes'], self.check_page(self.path('one.html'), viewers=1))
        self.json_of('report', self.path('1'), self.path('2'), '-o', self.path('two.html'))
        text = self.check_page(self.path('two.html'), viewers=0)
        with open(self.path('1/table.csv')) as file:
            first, second = csv.DictReader(file)
        cells = re.search(r'Noise2Stack 2 planes, self-supervised</th><td>([^<]*)</td><td>([^<]*)</td>', text)
        self.assertTrue(cells[1].startswith(f'{float(second["psnr"]):.2f} / '), (cells[1], second))
        self.assertNotEqual(cells[1], cells[2])
        # Systems of experiments are runs like others.
        self.json_of('report', self.path('1/2-seed1'), self.path('2/2-seed1'), '-o', self.path('runs.html'))
        self.check_page(self.path('runs.html'), viewers=1)

    def test_refused(self):
        self.stack('noisy.tif', 30)
        self.json_of('train', self.path('noisy.tif'), '-o', self.path('run'), '--steps', '1')
        page = self.path('page.html')
        for verb in (['report', self.path('run'), '-o'], ['train', self.path('noisy.tif'), '-o', self.path('other'), '--steps', '1', '--report'],
                     ['restore', self.path('noisy.tif'), '-o', self.path('out.tif'), '--steps', '1', '--report'],
                     ['evaluate', self.path('noisy.tif'), self.path('noisy.tif'), '--report'], ['demo', '-o', self.path('demo'), '--report']):
            self.fails(*verb, self.path('page.txt'), says=['.html'])
            with open(page, 'w') as file:
                file.write('mine')
            self.fails(*verb, page, says=['exists'])
            with open(page) as file:
                self.assertEqual(file.read(), 'mine')
            os.remove(page)
            for made in ('other', 'out.tif', 'demo'):  # before any work
                self.assertFalse(os.path.exists(self.path(made)), (verb, made))
        self.fails('report', self.path('nothing'), '-o', page, says=['no run here'])
        os.mkdir(self.path('experiment'))
        with open(self.path('experiment/experiment.json'), 'w') as file:
            file.write('{"experiment": "mri", "data": "x", "scale": "quick"}')
        self.fails('report', self.path('experiment'), '-o', page, says=['no part'])
        self.fails('report', self.path('experiment'), self.path('run'), '-o', page, says=['cannot be compared'])
        for damage in ('', '{', '[]', '{"shown": {"planes": "x"}}', '{"shown": {"planes": -1, "target": ""}}'):
            with open(self.path('run/run.json'), 'w') as file:
                file.write(damage)
            self.fails('report', self.path('run'), '-o', page, says=['run.json: damaged'])


unittest.main()
