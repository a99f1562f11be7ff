"""Builds the kernels of the engine; everything else about the package stands in pyproject.toml.

The extension is optional: without a working C compiler the install succeeds and the numpy engine
serves. It is a plain shared library, loaded through ctypes, and knows nothing of Python.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNELS = Path("wsnet_cli", "engine", "kernels")
SOURCES = ("kernels.c", "network.c", "training.c", "crop.c")
UNIX_FLAGS = (
    "-std=c99",
    "-O3",
    "-ffp-contract=fast",  # multiply and add in one rounding, where the processor can
    "-fvisibility=hidden",
)
MSVC_FLAGS = ("/O2", "/fp:contract")


class BuildKernels(build_ext):
    """Flags by compiler, and no Python entry point among the exported symbols."""

    def build_extension(self, ext: Extension) -> None:
        """Compile with the flags that this compiler knows."""
        msvc = self.compiler.compiler_type == "msvc"
        ext.extra_compile_args = list(MSVC_FLAGS if msvc else UNIX_FLAGS)
        super().build_extension(ext)

    def get_export_symbols(self, ext: Extension) -> list[str]:
        """The sources say what they export; there is no PyInit function."""
        return ext.export_symbols


setup(
    ext_modules=[
        Extension(
            "wsnet_cli.engine._kernels",
            sources=[str(KERNELS / name) for name in SOURCES],
            depends=[str(path) for path in sorted(KERNELS.iterdir())],
            optional=True,
        )
    ],
    cmdclass={"build_ext": BuildKernels},
)
