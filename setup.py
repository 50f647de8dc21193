"""Install gluon_wgan. requirements.lock holds the exact versions that the project is tested with."""

import sys

# before setuptools, which may itself not know a newer Python
if not (3, 10) <= sys.version_info[:2] < (3, 12):
    sys.exit(
        f"gluon_wgan: given Python {sys.version.split()[0]}; allowed: 3.10 or 3.11. mxnet 1.9.1, the last release, "
        "needs numpy below 1.24 (it uses numpy.bool), and such a numpy has no wheels for Python 3.12 and later."
    )

from setuptools import find_namespace_packages, setup

setup(
    name="gluon-wgan",
    version="0.1.0",
    description="Wasserstein GANs in MXNet Gluon, and where a port silently departs from its reference",
    license="Apache-2.0",
    packages=find_namespace_packages(include=["gluon_wgan", "gluon_wgan.*"]),
    entry_points={"console_scripts": ["gluon-wgan = gluon_wgan.command:main"]},
    python_requires=">=3.10,<3.12",
    install_requires=[
        "mxnet==1.9.1",
        "numpy>=1.23.5,<1.24",  # mxnet 1.9.1 uses numpy.bool, which 1.24 removed
        "gluoncv==0.10.5.post0",
        "opencv-python>=4.11,<4.12",  # 4.12 wants numpy 2
        "pillow>=12,<14",
        "pot>=0.9.7,<0.10",  # exact and sliced optimal transport
        "matplotlib>=3.10,<3.11",
        "psutil>=7,<8",
        "pyyaml>=6,<7",
        "scipy>=1.15,<1.16",
        "simpleeval>=1.0.3,<2",
        "lmdb>=3,<4",
        "loky>=3.5,<4",
        "markdown>=3.5,<4",
        "tensorboardX>=2.6,<3",
        "tqdm>=4.66,<5",
        "tyro>=1.0,<2",
    ],
    extras_require={
        "dev": ["hypothesis>=6,<7", "pre-commit>=4,<5", "pytest>=9,<10", "ruff>=0.17,<0.18"],
        # the reference, and ONNX: mxnet 1.9.1's exporter refuses later versions of onnx
        "parity": ["onnx==1.14.1", "onnxruntime>=1.23,<2", "torch==2.13.0"],
    },
)
