"""Writes test/golden/npy/: files as NumPy saves them, and what is in them.

Made with NumPy 1.24.2 on Python 3.11: python3 test/golden/generate-npy.py

<name>.npy is the file; read.json has for every file that can be read its dtype, its shape and its
elements in C order as hexadecimal bytes: halves as float32, integers as float64. The files named
refused-* hold what is not to be read.
"""

import json
import pathlib

import numpy as np

folder = pathlib.Path(__file__).parent / "npy"
folder.mkdir(exist_ok=True)
expected = {}


def save(name, array, version=None):
    with open(folder / f"{name}.npy", "wb") as file:
        if version is None:
            np.save(file, array)
        else:
            np.lib.format.write_array(file, array, version=version)


def keep(name, array, version=None):
    save(name, array, version)
    kept = array.dtype
    if kept == np.float16:
        kept = np.dtype(np.float32)
    if kept in (np.int32, np.int64):
        kept = np.dtype(np.float64)
    bits = np.ascontiguousarray(array.astype(kept)).tobytes().hex()
    expected[name] = {"dtype": array.dtype.name, "shape": array.shape, "bytes": bits}


def counting(shape, dtype):
    return (np.arange(np.prod(shape)).reshape(shape) * 0.25 - 1.5).astype(dtype)


shapes = [(3,), (2, 3), (2, 3, 4), (2, 1, 3, 2), (1, 2, 3, 2, 2)]
for axes, shape in enumerate(shapes, start=1):
    keep(f"float32-{axes}-axes", counting(shape, np.float32))
    keep(f"float64-{axes}-axes", counting(shape, np.float64))
    keep(f"fortran-{axes}-axes", np.asfortranarray(counting(shape, np.float32)))
keep("fortran-float64", np.asfortranarray(counting((3, 2), np.float64)))
keep("fortran-float16", np.asfortranarray(counting((3, 2), np.float16)))
keep("float32-empty", np.zeros((0, 3, 2), np.float32))
keep("float64-empty-last", np.zeros((2, 0), np.float64))
keep("fortran-empty", np.asfortranarray(np.zeros((2, 0, 3), np.float32)))
# Quiet NaN with a payload, signalling NaN, infinities, zeros, subnormals, extremes.
keep("float32-special", np.array([0x7FC12345, 0x7F812345, 0xFFC00000, 0x7F800000, 0xFF800000, 0, 0x80000000, 1,
                                  0x007FFFFF, 0x7F7FFFFF], np.uint32).view(np.float32))
keep("float64-special", np.array([0x7FF8000000000123, 0x7FF0000000000001, 0x7FF0000000000000, 0xFFF0000000000000,
                                  0x8000000000000000, 1, 0x7FEFFFFFFFFFFFFF], np.uint64).view(np.float64))
# Every exponent of a half, infinities and NaN aside, with both signs and mantissas 0, 1 and 1023.
keep("float16-finite", np.array([sign << 15 | exponent << 10 | mantissa for sign in (0, 1) for exponent in range(31)
                                 for mantissa in (0, 1, 1023)], np.uint16).view(np.float16).reshape(2, 31, 3))
keep("float16-special", np.array([0x7C00, 0xFC00, 0x7E00, 0xFE01], np.uint16).view(np.float16))
keep("bool", np.array([[True, False, True], [False, False, True]]))
keep("bool-fortran", np.asfortranarray(np.array([[True, False, True], [False, False, True]])))
keep("uint8", np.array([0, 1, 255], np.uint8))
keep("int32", np.array([[-(2**31), -1], [0, 2**31 - 1]], np.int32))
keep("int64", np.array([-(2**53) + 1, -1, 0, 2**53 - 1], np.int64))
keep("version-2", counting((2, 3), np.float32), (2, 0))
keep("version-3", counting((2, 3), np.float64), (3, 0))

save("refused-big-endian", counting((2, 3), ">f4"))
save("refused-objects", np.array([{"a": 1}, None], object))
save("refused-structured", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
save("refused-complex", np.zeros(2, np.complex64))
save("refused-text", np.array(["a", "bc"]))
save("refused-0-axes", np.float32(1))
save("refused-6-axes", counting((1, 1, 1, 1, 1, 2), np.float32))
save("refused-int64-inexact", np.array([2**53], np.int64))
save("refused-long-header", np.zeros(1, [(f"field{i}", "<f4") for i in range(500)]))

(folder / "read.json").write_text(json.dumps(expected, indent=1) + "\n")
