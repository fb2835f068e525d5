# How Sphinx makes the reference pages; tools/scripts/site puts their sources together and calls it.
import pathlib
import sys

project = 'Noise2Stack'
author = "the Noise2Stack engine's authors"
copyright = '2026, ' + author
extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'breathe']
exclude_patterns = ['tools/site', 'doxygen']

# The READMEs as they are: their headings are targets, their pictures are found, their links lead to pages or files.
myst_enable_extensions = ['deflist', 'html_image']
myst_heading_anchors = 4
suppress_warnings = ['myst.header']  # a page of another folder may begin below the first level

# The Python package is read without its compiled part.
here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here / 'tools/python'))
napoleon_use_ivar = True
autodoc_mock_imports = ['noise2stack._core']
autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented'
autodoc_member_order = 'bysource'

breathe_projects = {'n2s': str(here / 'doxygen/xml')}
breathe_default_project = 'n2s'
breathe_domain_by_extension = {'h': 'c'}

html_theme = 'furo'
html_title = 'Noise2Stack'
html_static_path = []
html_show_sourcelink = False
pygments_style = 'default'
