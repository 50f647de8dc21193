"""The web page, on which people look at trained and training runs; it needs the extra `app`."""

import os
import tempfile

_ANSWERS = tempfile.TemporaryDirectory(prefix="gluon-wgan-view-")  # goes when the process ends
# gradio reads these once, when it is loaded: it tells nobody of this page, asks the network for nothing, and keeps the
# pictures that it shows apart from those of other users of this machine
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "GRADIO_TEMP_DIR": _ANSWERS.name}
