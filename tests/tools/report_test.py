#!/usr/bin/python3
"""The pages of experiments, in headless Chromium (Debian's package): they load without an error, fetch nothing, and their
sliders move pictures.

usage: report_test.py N2S    (the program)
"""
import csv, html.parser, json, os, re, subprocess, unittest, xml.etree.ElementTree

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
        self.assertIn('&lt;plate&gt; &amp; &quot;more&quot;.h5', text)
        for part in ('Noise2Stack 4 planes', 'Downstream check', 'How each number was made', 'first plane', 'Bright field'):
            self.assertIn(part, text)
        self.check_figures(out + '/figures', ['planes', 'position', 'dice', 'objects', 'loss'])

    def test_mri(self):
        self.json_of('simulate', 'mri', '-o', self.path('scans'), '--subjects', '5', '--planes', '8', '--side', '64')
        self.json_of('prepare', 'mri', self.path('scans'), '-o', self.path('mri.h5'), '--middle', '7', '--side', '64')
        out = self.path('run')
        self.json_of('reproduce', 'mri', self.path('mri.h5'), '-o', out, '--scale', '1', '--methods', 'noisy,2,4')
        text = self.check_page(out + '/report.html', viewers=1)
        for part in ('28.6 / 31.3', 'data consistency', 'other data', 'plane 7 of 7'):
            self.assertIn(part, text)
        self.check_figures(out + '/figures', ['planes', 'position', 'position-data-consistency', 'loss'])


unittest.main()
