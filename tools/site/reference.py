# Writes the pages on Python, C and C++ into the site's sources: reference.py SOURCES
import pathlib
import sys

sources = pathlib.Path(sys.argv[1])
pages = sources / 'reference'

# Behind what the package's README says.
with open(sources / 'tools/python/README.md', 'a') as page:
    page.write('''
## Reference

```{eval-rst}
.. automodule:: noise2stack
   :members:
```
''')

(pages / 'c.md').write_text('''# C

`libn2s`: what the program does, on arrays in the caller's memory. A whole program:

```{literalinclude} /tools/examples/restore.c
:language: c
```

```{eval-rst}
.. doxygenfile:: n2s.h
```
''')

# The engine's headers say themselves what they are for; they are shown as they stand.
FOLDERS = {'nets': 'networks', 'engine/training': 'training', 'engine/inference': 'restoring', 'engine/devices': 'devices', 'engine/graph': 'the graph',
           'engine/runtime': 'what a device must do', 'data': 'stacks, files, normalisation and metrics', 'data/formats': 'file formats',
           'analysis': 'what a stack is like'}
cpp = '''# C++

The engine as a library. A whole program:

```{literalinclude} /tools/examples/restore_stack.cpp
:language: cpp
```

The headers, by folder; each begins with what it is for.

```{toctree}
'''
kernels = sorted({header.parent for header in sources.glob('kernels/*/*.h')})
for folder, about in {**FOLDERS, **{str(k.relative_to(sources)): 'an operation of the kernels' for k in kernels}}.items():
    name = 'cpp-' + folder.replace('/', '-')
    page = f'# {folder}/: {about}\n\n'
    for header in sorted((sources / folder).glob('*.h')):
        page += f'## {header.name}\n\n```{{literalinclude}} /{folder}/{header.name}\n:language: cpp\n```\n\n'
    (pages / f'{name}.md').write_text(page)
    cpp += name + '\n'
(pages / 'cpp.md').write_text(cpp + '```\n')

(pages / 'kernels.md').write_text('''# Each operation's page

```{toctree}
:glob:

/kernels/*/README
```
''')
