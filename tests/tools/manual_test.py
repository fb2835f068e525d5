#!/usr/bin/env python3
"""--help, manual pages and completions name the same verbs, options and choices; bash completes them.

usage: manual_test.py N2S    (the program)
"""
import os, re, shutil, subprocess, unittest

from program import N2S, ProgramTest


class Manual(ProgramTest):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.run_n2s('manual', self.path('share')).returncode, 0)

    def text(self, *parts):
        with open(os.path.join(self.path('share'), *parts)) as f:
            return f.read()

    def verbs(self):
        """Of --help, in its order."""
        lines = self.run_n2s('--help').stdout.splitlines()
        begin = lines.index('Usual verbs:')
        return [line.split()[0] for line in lines[begin:] if re.match(r'  [a-z]', line)]

    def options(self, verb):
        """Of its --help: name -> choices."""
        found = {}
        for line in self.run_n2s(verb, '--help').stdout.splitlines():
            names = re.match(r'  (-[\w,-]+)(?: [A-Z]+:\{(.*?)\})?', line)
            for name in names.group(1).split(',') if names else ():
                found[name] = names.group(2).split(',') if names.group(2) else []
        return found

    def test_the_usual_verbs_come_first(self):
        self.assertEqual(self.verbs()[:5], ['restore', 'train', 'denoise', 'evaluate', 'inspect'])
        self.assertGreater(len(self.verbs()), 15)
        self.assertIn('Exit codes', self.run_n2s('--help').stdout)

    def test_pages_and_completions_have_all_options(self):
        fish, zsh = self.text('fish/vendor_completions.d/n2s.fish'), self.text('zsh/site-functions/_n2s')
        bash, pages = self.text('bash-completion/completions/n2s'), os.listdir(self.path('share/man/man1'))
        self.assertEqual(sorted(pages), sorted(['n2s.1', *(f'n2s-{verb}.1' for verb in self.verbs())]))
        for verb in self.verbs():
            options = self.options(verb)
            self.assertIn('--help', options)
            page = self.text('man/man1', f'n2s-{verb}.1').replace('\\-', '-')
            self.assertEqual(set(re.findall(r'\\fB(-[\w-]+)\\fR', page.split('.SH NOTES')[0])), set(options), verb)
            self.assertEqual(set(re.search(rf"^    {verb}\) options='(.*)' ;;$", bash, re.M).group(1).split()), set(options))
            in_zsh = zsh.split(f'    {verb}) _arguments')[1].split(';;')[0]
            self.assertEqual(set(re.findall(r"'(-[\w-]+)\[", in_zsh)), set(options), verb)
            in_fish = ''.join(line for line in fish.splitlines(True) if f"_from {verb}'" in line)
            self.assertEqual({'--' + name for name in re.findall(r' -l (\S+)', in_fish)} |
                             {'-' + name for name in re.findall(r' -s (\S+)', in_fish)}, set(options), verb)
            for name, choices in options.items():
                if choices and name.startswith('--'):
                    self.assertIn(f"{verb}:{name}) values='{' '.join(choices)}'", bash)
                    self.assertIn(f":value:({' '.join(choices)})", in_zsh)
                    self.assertIn(f"-x -a '{' '.join(choices)}'", in_fish)

    def complete(self, *words):
        script = f'''source {self.path('share')}/bash-completion/completions/n2s
            COMP_WORDS=({' '.join(f"'{word}'" for word in ('n2s', *words))}); COMP_CWORD={len(words)}
            _n2s; printf '%s\\n' "${{COMPREPLY[@]}}"'''
        return subprocess.run(['bash', '-c', script], check=True, capture_output=True, text=True, cwd=self.path('')).stdout.split()

    def test_bash_completes(self):
        self.assertEqual(self.complete('re'), ['restore', 'reproduce', 'report'])
        self.assertEqual(self.complete('restore', '--minu'), ['--minutes'])
        self.assertEqual(self.complete('train', '--precision', ''), ['fp32', 'tf32', 'fp16', 'bf16'])
        self.assertEqual(self.complete('denoise', 'noisy.n'), ['noisy.nii'])

    def test_shells_and_groff_take_them(self):
        for tool, words in (('groff', ['groff', '-man', '-ww', '-z', *self.pages()]),
                            ('zsh', ['zsh', '-n', self.path('share/zsh/site-functions/_n2s')]),
                            ('fish', ['fish', '-n', self.path('share/fish/vendor_completions.d/n2s.fish')])):
            if shutil.which(tool):
                done = subprocess.run(words, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ''), tool)

    def pages(self):
        return [os.path.join(self.path('share/man/man1'), name) for name in os.listdir(self.path('share/man/man1'))]


unittest.main()
