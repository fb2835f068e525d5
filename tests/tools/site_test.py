#!/usr/bin/env python3
"""The reference pages: site_test.py N2S    (in the project's root; needs what tools/scripts/site installs, and Chromium)

They are made without a warning, every link within them leads to a page and place that exist, every public name is there, and the search finds
things without a server.
"""
import html.parser, os, pathlib, re, subprocess, sys, unittest, urllib.parse

N2S = os.path.abspath(sys.argv.pop(1))
SITE = pathlib.Path('build/site/html').resolve()


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.links, self.places, self.words = [], set(), []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ('href', 'src') and value:
                self.links.append(value)
            if name == 'id' or name == 'name' and tag == 'a':
                self.places.add(value)

    def handle_data(self, data):
        self.words.append(data)


class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run(['tools/scripts/site', N2S], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        cls.pages = {path: Page(path) for path in sorted(SITE.rglob('*.html'))}

    def test_links(self):
        self.assertGreater(len(self.pages), 60)
        followed = 0
        for path, page in self.pages.items():
            for link in page.links:
                parts = urllib.parse.urlsplit(link)
                if parts.scheme in ('http', 'https', 'mailto', 'data'):
                    continue
                self.assertEqual(parts.scheme, '', f'{path}: {link}')
                target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
                self.assertTrue(target.is_file(), f'{path}: {link}')
                if parts.fragment and target in self.pages:
                    self.assertIn(urllib.parse.unquote(parts.fragment), self.pages[target].places | {''}, f'{path}: {link}')
                followed += 1
        self.assertGreater(followed, 1000)

    def test_every_name_is_there(self):
        text = {path.relative_to(SITE).as_posix(): ''.join(page.words) for path, page in self.pages.items()}
        header = pathlib.Path('tools/library/n2s.h').read_text()
        functions = re.findall(r'^N2S_API .*?\b(n2s_\w+)\(', header, re.M)
        self.assertGreater(len(functions), 15)
        for name in functions:
            self.assertIn(name, text['reference/c.html'])
        self.assertIn('the data, a file or the device is not as it has to be', text['reference/c.html'])
        for name in ('restore', 'train', 'denoise', 'bm3d', 'nlm', 'evaluate', 'inspect', 'Interrupted', 'Progress'):
            self.assertIn(f'noise2stack.{name}', text['tools/python/README.html'])
        shown = subprocess.run([N2S, 'restore', '--help'], capture_output=True, text=True, check=True).stdout
        for option in re.findall(r'--[a-z][a-z-]+', shown):
            self.assertIn(option, text['commands/restore.html'])
        self.assertIn('struct InferenceOptions', text['reference/cpp-engine-inference.html'])

    def results(self, word):
        """The addresses of the pages that a search finds."""
        page = subprocess.run(['chromium', '--headless', '--no-sandbox', '--disable-gpu', '--virtual-time-budget=8000', '--dump-dom',
                               f'file://{SITE}/search.html?q={word}'], capture_output=True, text=True, timeout=120, check=True).stdout
        return re.findall(r'<li[^>]*><a href="([^"?#]*)', page.split('id="search-results"')[1])

    def test_search_without_a_server(self):
        self.assertIn('tutorials/mri.html', self.results('undersampled'))
        self.assertEqual(self.results('xyzzyx'), [])


unittest.main()
