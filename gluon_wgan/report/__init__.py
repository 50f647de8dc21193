"""From run folders and result data to tables, plots, Markdown and HTML. Reads files; never imports mxnet."""
