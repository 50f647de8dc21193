"""Read TensorBoard event files back, for the tests: length-framed protocol buffers."""

import struct

from tensorboardX.proto.event_pb2 import Event


def scalars(folder):
    """Return {(tag, step): value} of all scalars in a folder's event files."""
    found = {}
    for file in sorted(folder.glob("events*")):
        content, position = file.read_bytes(), 0
        while position < len(content):
            (length,) = struct.unpack_from("<Q", content, position)
            event = Event.FromString(content[position + 12 : position + 12 + length])
            position += 16 + length
            for value in event.summary.value:
                found[value.tag, event.step] = value.simple_value
    return found
