"""Writes GGUF version 3, the file format of llama.cpp, as far as this model needs it.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import struct

import numpy

ALIGNMENT = 32
# Value types of metadata.
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
# Tensor types, and the number that `general.file_type` gives a file of mostly that type.
F32, Q8_0 = 0, 8
MOSTLY_Q8_0 = 7
BLOCK = 32  # values that share one scale in q8_0


def _string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value):
    if isinstance(value, bool):  # before int: a bool is one
        return struct.pack("<I?", BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", STRING) + _string(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return struct.pack("<IIQ", ARRAY, STRING, len(value)) + b"".join(map(_string, value))
    if isinstance(value, list) and all(isinstance(item, int) for item in value):
        return struct.pack("<IIQ", ARRAY, INT32, len(value)) + struct.pack(f"<{len(value)}i", *value)
    raise TypeError(f"no GGUF type for {value!r}")


def _round_half_away(values):
    """ggml rounds halves away from zero; numpy rounds them to even."""
    return numpy.sign(values) * numpy.floor(numpy.abs(values) + 0.5)


def quantize_q8_0(weights):
    """Blocks of 32 values: a half-precision scale, then 32 signed bytes."""
    blocks = weights.astype(numpy.float32).reshape(-1, BLOCK)
    scales = numpy.abs(blocks).max(axis=1) / 127
    inverse = numpy.divide(1, scales, out=numpy.zeros_like(scales), where=scales > 0)
    packed = numpy.empty((len(blocks), 2 + BLOCK), numpy.uint8)
    packed[:, :2] = scales.astype("<f2")[:, None].view(numpy.uint8)
    packed[:, 2:] = _round_half_away(blocks * inverse[:, None]).astype(numpy.int8).view(numpy.uint8)
    return packed.tobytes()


def _padding(length):
    return b"\0" * (-length % ALIGNMENT)


def write(path, metadata, tensors):
    """`tensors`: name to float array. Matrices become q8_0; vectors (the norms) stay f32."""
    infos, data = [], []
    offset = 0
    for name, array in tensors.items():
        if array.ndim == 1:
            kind, blob = F32, array.astype("<f4").tobytes()
        else:
            kind, blob = Q8_0, quantize_q8_0(array)
        shape = array.shape[::-1]  # ggml counts dimensions from the innermost
        infos.append(_string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset))
        blob += _padding(len(blob))
        data.append(blob)
        offset += len(blob)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    header += b"".join(_string(key) + _value(value) for key, value in metadata.items()) + b"".join(infos)
    with open(path, "wb") as file:
        file.write(header + _padding(len(header)))
        file.writelines(data)
