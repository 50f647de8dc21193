"""A small ray-caster's view of a box-shaped room in one-point perspective, and the patterns that its surfaces bear.

Every wall, blanket and picture frame is a rectangle in one of three orientations; `View.paint` lays one rectangle over
those before it, so a room is drawn from the back to the front. Lengths are metres: x to the right, y up from the
floor, z away from the lens. Light is added linearly and turned into display values at the end, as in a camera.

Edges and regular patterns are averaged exactly over each pixel. So the wallpaper, planks, blinds and checks have
periods down to 2 pixels without aliasing of their own: what aliases at 64 or 32 pixels is the resize filter's work.
"""

import numpy as np

SHORT_SIDE, LONGEST_SIDE = 256, 400
SIDE, LEVEL, FRONT = range(3)  # the planes of constant x, y and z


class View:
    """The lens, the room's size and lights, and the picture so far (linear light, float32, three color planes)."""

    def __init__(self, rng):
        kind, long_side = rng.random(), int(rng.integers(SHORT_SIDE + 16, LONGEST_SIDE + 1))
        height = long_side if kind < 0.12 else SHORT_SIDE
        width = long_side if kind > 0.25 else SHORT_SIDE
        self.image = np.zeros((3, height, width), np.float32)
        self.focal, self.eye = SHORT_SIDE * rng.uniform(0.82, 0.98), rng.uniform(1.3, 1.6)
        self.left, self.right = -rng.uniform(1.6, 2.2), rng.uniform(1.6, 2.2)
        self.ceiling, self.depth = rng.uniform(2.4, 2.75), rng.uniform(3.7, 4.5)
        self.middle = width * 0.5 + rng.uniform(-8, 8)
        self.horizon = height * 0.5 - SHORT_SIDE * rng.uniform(0.02, 0.09)
        self.slope_x = ((np.arange(width) + 0.5 - self.middle) / self.focal).astype(np.float32)[None, :]
        self.slope_y = ((self.horizon - np.arange(height) - 0.5) / self.focal).astype(np.float32)[:, None]
        self.ambient = tint(rng.uniform(-0.12, 0.16)) * rng.uniform(0.22, 0.36)
        self.lights = []  # (position, color) of each

    def paint(
        self, plane, at, u, v, color, second=None, pattern=None, relief=None, shape=None, soft=0, opacity=1, glows=False
    ):
        """Lay a rectangle over the picture.

        It lies in the plane of constant x, y or z at that coordinate; u and v are its two ranges: (x, y) of a FRONT,
        (x, z) of a LEVEL, (z, y) of a SIDE. A pattern mixes color with second, relief multiplies the light, and
        shape cuts the outline; each is a function of (u, v, pixel size along u, pixel size along v). The edges are
        blurred over soft metres, and what glows needs no light.
        """
        rows, columns = self._touched(plane, at, *((low - soft / 2, high + soft / 2) for low, high in (u, v)))
        slope_x, slope_y = self.slope_x[:, columns], self.slope_y[rows]
        pixel = 1 / self.focal  # the size of one at a distance of 1 m
        if plane == FRONT:
            point = at * slope_x, at * slope_y + self.eye, at
            where = point[0], point[1], at / self.focal, at / self.focal
        elif plane == LEVEL:
            z = (at - self.eye) / slope_y
            point = z * slope_x, at, z
            where = point[0], z, z * pixel, z**2 * (pixel / abs(at - self.eye))
        else:
            z = at / slope_x
            point = at, z * slope_y + self.eye, z
            where = z, point[1], z**2 * (pixel / abs(at)), z * pixel
        alpha = _coverage(where[0], u, where[2] + soft) * (_coverage(where[1], v, where[3] + soft) * opacity)
        if shape:
            alpha *= shape(*where)
        layer = color[:, None, None]
        if pattern:
            layer = layer + (second - color)[:, None, None] * pattern(*where)
        if not glows:
            layer = layer * (self._light(plane, at, point) * (relief(*where) if relief else 1))
        target = self.image[:, rows, columns]
        target += alpha * (layer - target)

    def _touched(self, plane, at, u, v):
        """The rows and columns of the picture that a rectangle may reach; what is behind the lens is cut off."""
        xs, ys, zs = {FRONT: (u, v, (at, at)), LEVEL: (u, (at, at), v), SIDE: ((at, at), v, u)}[plane]
        scales = [self.focal / max(z, 0.4) for z in zs]
        columns = [self.middle + x * scale for x in xs for scale in scales]
        rows = [self.horizon - (y - self.eye) * scale for y in ys for scale in scales]
        return [slice(max(int(min(reach)) - 1, 0), max(int(max(reach)) + 2, 0)) for reach in (rows, columns)]

    def _light(self, plane, at, point):
        """Sum the ambient light and each lamp's, by angle and distance."""
        toward_lens = 1 if (0, self.eye, 0)[plane] > at else -1
        total = self.ambient[:, None, None]
        for lamp, color in self.lights:
            # Nothing is quite dark: a face turned away still sees the walls that the lamp lights.
            facing = max(0.4, 0.5 + (lamp[plane] - at) * toward_lens)
            square = sum((point[axis] - lamp[axis]) ** 2 for axis in (plane, plane - 1, plane - 2))
            total = total + color[:, None, None] * (facing / (square + 0.7))
        return total

    def box(self, x, y, z, color, **material):
        """Paint the faces of a box on the floor that the lens sees."""
        if x[0] > 0 or x[1] < 0:
            self.paint(SIDE, x[0] if x[0] > 0 else x[1], z, y, color, **material)
        if y[1] < self.eye - 0.05:
            # Two faces share the pixels of their edge; the top reaches under the front so that no seam shows.
            self.paint(LEVEL, y[1], x, (z[0] - 0.02, z[1]), color, **material)
        self.paint(FRONT, z[0], x, y, color, **material)

    def shadow(self, plane, at, u, v, soft, opacity):
        """Darken a soft-edged rectangle."""
        self.paint(plane, at, u, v, np.zeros(3, np.float32), soft=soft, opacity=opacity, glows=True)

    def develop(self, rng):
        """Expose, darken the corners as a lens does, add a sensor's noise, and quantise to (height, width, 3)."""
        image, (height, width) = self.image, self.image.shape[1:]
        across, down = (np.linspace(-1, 1, count, dtype=np.float32) ** 2 for count in (width, height))
        # Exposed by a sparse mean, as by a camera's meter; the shoulder keeps the window from being a white hole.
        gain = rng.uniform(0.4, 0.52) / float(image[:, ::8, ::8].mean(dtype=np.float64))
        image *= gain * (1 - rng.uniform(0.1, 0.2) * (across[None, :] + down[:, None]))
        image /= 1 + 0.45 * image
        noise = rng.uniform(1.0, 3.0) * rng.standard_normal((height, width), dtype=np.float32)
        display = np.sqrt(image) * 255 + (noise + 0.5)  # the half turns the cast, which cuts, into a rounding
        return np.clip(display, 0, 255).transpose(1, 2, 0).astype(np.uint8, order="C")


def _coverage(at, extent, size):
    """How much of a pixel of that size lies inside the extent, 0 to 1."""
    inside = np.minimum(at + size * 0.5, extent[1]) - np.maximum(at - size * 0.5, extent[0])
    return np.maximum(inside, 0) / size


def rim(u, v, amount):
    """A relief that darkens the rim of a rectangle, as less light gets into the corners of a room."""

    def ends(at, extent):
        reach = 0.12 * (extent[1] - extent[0])
        return 1 - sum(amount / (1 + ((at - end) * (1 / reach)) ** 2) for end in extent)

    return lambda at_u, at_v, *_: ends(at_u, u) * ends(at_v, v)


def folds(period, depth, slant=0.0):
    """A relief: the light and shade of hanging or rumpled cloth."""
    return lambda u, v, *_: (
        1 - depth * (0.5 + 0.35 * wave(u * (1 / period) + slant * v) + 0.15 * wave(u * (2.3 / period) + 0.7 * v))
    )


def wave(x):
    """A smooth wave of period 1 from -1 to 1; of parabolas, as a sine may differ from processor to processor."""
    x = (x - np.floor(x)) * 2 - 1
    return 4 * x * (1 - np.abs(x))


def _bars(at, size, period, duty):
    """A square wave that is 1 for the share `duty` of its period, exactly averaged over each pixel."""
    begin, width = (at - size * 0.5) * (1 / period), size * (1 / period)
    whole, whole_end = np.floor(begin), np.floor(begin + width)
    ones = np.minimum(begin + width - whole_end, duty) - np.minimum(begin - whole, duty) + (whole_end - whole) * duty
    return ones / width


def stripes(axis, period, duty=0.5):
    """A pattern of stripes across u (axis 0) or v (axis 1)."""
    return lambda *where: _bars(where[axis], where[axis + 2], period, duty)


def grid(period_u, period_v, duty_u, duty_v, crossing, bond=0.0):
    """A pattern of two sets of stripes: gingham, lines or a chessboard, as they add, merge or cancel where they cross.

    crossing is 0, 1 or 2 for these. bond shifts each course by that share of the period, as bricklayers do.
    """

    def pattern(u, v, size_u, size_v):
        a = _bars(u + np.floor(v * (1 / period_v)) * (bond * period_u) if bond else u, size_u, period_u, duty_u)
        b = _bars(v, size_v, period_v, duty_v)
        return (a + b - a * b * crossing) * (0.5 if crossing == 0 else 1.0)

    return pattern


def planks(rng, width, length):
    """A pattern of boards of differing tone with dark joints, and grain along them."""
    tones = rng.random(64, dtype=np.float32)
    turned = rng.random() < 0.3

    def pattern(u, v, size_u, size_v):
        if turned:
            u, v, size_u = v, u, size_v
        board = np.floor(u * (1 / width))
        tone = tones[(board * 7 + np.floor(v * (1 / length) + board * 0.382) * 13).astype(np.int32) & 63]
        fine = np.clip(1.2 - size_u * (6 / width), 0, 1)  # no grain where pixels are too coarse for it
        grain = fine * wave(u * (3.3 / width) + tone * 5 + 0.5 * wave(v * 0.8 + tone * 3))
        return np.clip(0.25 + 0.55 * tone + 0.14 * grain + 0.75 * _bars(u, size_u, width, 0.07), 0, 1)

    return pattern


def tint(warmth):
    """White light, redder the warmer it is."""
    return np.array([1 + warmth, 1, 1 - warmth], np.float32)


def pick(rng, palette):
    """One color of a palette, a little off, in linear light (the square of the display value)."""
    names = palette.split()
    code = bytes.fromhex(names[rng.integers(len(names))])
    display = np.frombuffer(code, np.uint8) * rng.uniform(0.94, 1.06) / 255 + rng.uniform(-0.02, 0.02, 3)
    return np.clip(display, 0.02, 1).astype(np.float32) ** 2
