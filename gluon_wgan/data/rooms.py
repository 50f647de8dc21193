"""Procedural bedrooms: pictures to train on when no data set is at hand.

What is in a room and where it stands; `perspective` says how it is seen, and what u, v and the planes are.
"""

import numpy as np

from gluon_wgan import streams
from gluon_wgan.data.perspective import FRONT, LEVEL, SIDE, View, folds, grid, pick, planks, rim, stripes, tint, wave

WALLS = "e6dfd3 d9d6cc c9d1d3 b9c6c4 d8c7b2 e3d2c4 aeb9a4 b7c2d2 d3b7a8 8fa0a8 efece4 cfc8b8"
WOODS = "8a5a34 a9764a c39a6b 6d4428 b48a5e 7b5b43 d0ae82"
WHITES = "f4f1ea ebe7e0 e3e6ea f7f5f0"
STONES = "cfc6b8 b3aca2 a88f78 8b8f98"
CLOTHS = "f2efe9 e9e4da dfe4ea 9fb2c6 5f7a94 b9605a c99a5b 8a9b7a 6f5f78 d8b8b4 46586a a8a29a"
CUSHIONS = "b9605a d9a441 4f7480 7f8f5f e5e0d8 6b4d62 c47f52 2f4456"
CURTAINS = "e9e2d4 c9bba4 8f9fae a9a08f d6c1b0 7c8a78 f1eee8"
FRAMES = "f4f2ec efe9df 6d4428 3c3c3c b08d57"
SKIES = "8fb8e8 a9c8ea c6d6e4 b4cdf0"
TREES = "5f7f4f 7d9a62 4c6a58 8796a0"


def draw_room(seed, index):
    """Draw one bedroom, a picture that depends on nothing but its two numbers.

    The bed is in the lower middle, window and pictures are on the wall above it, and the floor is at the bottom; a
    centred square crop keeps them. Several threads may call this at once.

    Parameters
    ----------
    seed : int
        0 <= seed < 2**64.
    index : int
        Which picture of that seed, 0 <= index < 2**64. No picture needs those before it.

    Returns
    -------
    numpy.ndarray
        RGB, uint8 of shape (height, width, 3), 0 to 255. The short side is 256 and the long side 256 to 400: most
        pictures are landscape, some square, some portrait.

    Raises
    ------
    ValueError
        If seed or index is out of range.
    """
    rng = streams.generator(seed, "procedural_room", index)
    view = View(rng)
    _draw_shell(view, rng)
    if rng.random() < 0.5:
        _draw_rug(view, rng)
    side_on = rng.random() < 0.3
    bed_x, bed_width = rng.uniform(-0.25, 0.25), rng.uniform(2.0, 2.15) if side_on else rng.uniform(1.3, 1.75)
    _draw_back_wall(view, rng, bed_x)
    for side in (-1, 1):
        if rng.random() < 0.65:
            _draw_bedside(view, rng, bed_x + side * (bed_width / 2 + 0.32))
    _draw_bed(view, rng, _around(bed_x, bed_width / 2), side_on)
    return view.develop(rng)


def _around(middle, half):
    return middle - half, middle + half


def _wider(extent, margin):
    return extent[0] - margin, extent[1] + margin


def _draw_shell(view, rng):
    """Ceiling, floor and walls, under the daylight of one side."""
    side, wall = view.left if rng.random() < 0.5 else view.right, pick(rng, WALLS)
    lamp = side * rng.uniform(0.2, 0.8), rng.uniform(1.5, 1.9), view.depth - rng.uniform(0.8, 1.6)
    view.lights.append((lamp, tint(rng.uniform(-0.14, 0.06)) * rng.uniform(1.2, 2.6)))
    x, y, z = (view.left, view.right), (0, view.ceiling), (0, view.depth)
    view.paint(LEVEL, view.ceiling, x, z, pick(rng, WHITES), relief=rim(x, z, 0.12))
    view.paint(LEVEL, 0, x, z, **_floor(rng), relief=rim(x, z, 0.14))
    trim, paper = pick(rng, WHITES + " 8a5a34"), _wallpaper(rng, wall, view.depth / view.focal)
    sides = paper if rng.random() < 0.5 else {}  # else the back wall alone is papered
    for at in x:
        view.paint(SIDE, at, z, y, wall, **sides, relief=rim(z, y, 0.12))
        view.paint(SIDE, at, z, (0, 0.1), trim)
    view.paint(FRONT, view.depth, x, y, wall, **paper, relief=rim(x, y, 0.12))
    view.paint(FRONT, view.depth, x, (0, 0.1), trim)


def _wallpaper(rng, wall, pixel):
    """Plain paint, stripes, bricks, small checks or boards."""
    kind, period, second = rng.random(), rng.uniform(2.5, 12) * pixel, wall * rng.uniform(0.5, 0.8)
    if kind < 0.25:
        return {}
    if kind < 0.7:
        return {"second": second, "pattern": stripes(0, period, rng.uniform(0.3, 0.6))}
    if kind < 0.8:
        brick, course = rng.uniform(10, 14) * pixel, rng.uniform(4, 6) * pixel
        return {"second": wall * 0.55, "pattern": grid(brick, course, 0.09, 0.2, 1, bond=0.5)}
    if kind < 0.9:
        return {"second": second, "pattern": grid(period, period, 0.5, 0.5, 2)}
    return {"second": second, "pattern": stripes(1, period, 0.2)}


def _floor(rng):
    """Planks, stone tiles or a coarse carpet."""
    kind, wood, stone, tile = rng.random(), pick(rng, WOODS), pick(rng, STONES), rng.uniform(0.2, 0.4)
    if kind < 0.75:
        boards = planks(rng, rng.uniform(0.09, 0.18), rng.uniform(0.9, 1.6))
        return {"color": wood * 1.2, "second": wood * 0.5, "pattern": boards}
    checks = grid(tile, tile, 0.06, 0.06, 1) if kind < 0.88 else grid(0.05, 0.05, 0.5, 0.5, 2)
    return {"color": stone, "second": stone * 0.6, "pattern": checks}


def _draw_rug(view, rng):
    color, border, period = pick(rng, CUSHIONS), pick(rng, CLOTHS), rng.uniform(0.1, 0.3)
    x, z = (rng.uniform(-1.5, -0.9), rng.uniform(0.9, 1.5)), (rng.uniform(1.2, 1.5), view.depth - 0.7)
    view.paint(LEVEL, 0.01, x, z, border)
    pattern = stripes(1, period) if rng.random() < 0.6 else grid(period, period, 0.5, 0.5, 2)
    view.paint(LEVEL, 0.01, _wider(x, -0.08), (z[0] + 0.08, z[1]), color, second=border, pattern=pattern)


def _draw_back_wall(view, rng, bed_x):
    """A wide window over the bed; or one toward the light, pictures, and a wardrobe in the other corner."""
    toward = 1 if view.lights[0][0][0] > 0 else -1
    lit, dark = (view.right, view.left) if toward > 0 else (view.left, view.right)
    if rng.random() < 0.3:
        center, half, bottom = bed_x + rng.uniform(-0.15, 0.15), rng.uniform(0.6, 1.0), rng.uniform(1.15, 1.3)
    else:
        half, bottom = rng.uniform(0.38, 0.52), rng.uniform(0.75, 1.05)
        center = lit - toward * (half + rng.uniform(0.25, 0.4))
        beside = toward * center - half - 0.75  # a picture and a curtain fit between this and the window's middle
        if rng.random() < 0.45:
            _draw_wardrobe(view, rng, sorted((dark, dark + toward * rng.uniform(0.6, 0.8))))
        _draw_pictures(view, rng, toward * min(toward * bed_x - rng.uniform(0.1, 0.3), beside))
    top = min(view.ceiling - 0.2, bottom + rng.uniform(1, 1.3))
    _draw_window(view, rng, _around(center, half), (bottom, top))


def _draw_window(view, rng, x, y):
    """Sky and trees behind a frame with bars, some with a blind, most with curtains."""
    z, frame, width, height = view.depth, pick(rng, FRAMES), x[1] - x[0], y[1] - y[0]
    sky, haze = pick(rng, SKIES) * 2, np.full(3, 2, np.float32)
    view.paint(FRONT, z, x, y, haze, soft=0.9, opacity=0.15, glows=True)  # the light spills over the wall
    view.paint(FRONT, z, _wider(x, 0.07), _wider(y, 0.07), frame)
    view.paint(FRONT, z, x, y, haze, second=sky, pattern=lambda u, v, *_: (v - y[0]) * (1 / height), glows=True)
    top, phase, period = y[0] + rng.uniform(0.1, 0.45) * height, rng.random(), rng.uniform(0.4, 0.9)

    def below_treetops(u, v, size_u, size_v):
        hill = top + 0.07 * wave(u * (1 / period) + phase) + 0.02 * wave(u * (4.7 / period))
        return np.clip((hill - v) / size_v, 0, 1)

    view.paint(FRONT, z, x, (y[0], top + 0.1), pick(rng, TREES) * 1.3, shape=below_treetops, glows=True)
    columns, rows = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    for i in range(1, columns):
        view.paint(FRONT, z, _around(x[0] + width * i / columns, 0.02), y, frame)
    for i in range(1, rows):
        view.paint(FRONT, z, x, _around(y[0] + height * i / rows, 0.02), frame)
    dressing, cloth, period = rng.random(), pick(rng, CURTAINS), rng.uniform(2.5, 6) * z / view.focal
    if dressing < 0.3:
        slats, drawn = stripes(1, period, 0.3), y[0] if rng.random() < 0.5 else y[0] + 0.5 * height
        view.paint(FRONT, z, x, (drawn, y[1]), cloth * 1.3, shape=lambda *where: 1 - 0.75 * slats(*where), glows=True)
    elif dressing < 0.85:
        wide, hem = rng.uniform(0.14, 0.28), 0.05 if rng.random() < 0.5 else y[0] - 0.2
        material = {"relief": folds(period * 1.6, 0.75)}
        if rng.random() < 0.3:
            material |= {"second": cloth * 0.6, "pattern": stripes(1, period)}
        for end in (x[0] - wide * 0.8, x[1] - wide * 0.2):
            view.paint(FRONT, z, (end, end + wide), (hem, y[1] + 0.1), cloth, **material)
        view.paint(FRONT, z, _wider(x, 0.3), (y[1] + 0.1, y[1] + 0.13), frame * 0.5)


def _draw_pictures(view, rng, x):
    """One or two framed pictures."""
    z, count, top = view.depth, int(rng.integers(1, 3)), view.ceiling - rng.uniform(0.35, 0.5)
    frame, paper = pick(rng, FRAMES), pick(rng, WHITES)
    half, bottom = rng.uniform(0.28, 0.4) / count, top - rng.uniform(0.45, 0.6)
    for i in range(count):
        middle = x + (i - (count - 1) / 2) * (2 * half + 0.12)
        view.shadow(FRONT, z, (middle - half, middle + half + 0.04), (bottom - 0.06, top), 0.08, 0.35)
        art = {"second": pick(rng, CUSHIONS), "pattern": stripes(1, (top - bottom) * rng.uniform(0.3, 0.9))}
        for inset, color, material in ((0, frame, {}), (0.035, paper, {}), (0.09, pick(rng, CLOTHS), art)):
            extents = _wider(_around(middle, half), -inset), _wider((bottom, top), -inset)
            view.paint(FRONT, z, *extents, color, **material)


def _draw_wardrobe(view, rng, x):
    wood, top, front, middle = pick(rng, WOODS + " " + WHITES), rng.uniform(1.85, 2.1), view.depth - 0.55, sum(x) / 2
    grooves = stripes(0, rng.uniform(3, 8) * front / view.focal, 0.3)
    view.shadow(LEVEL, 0, _wider(x, 0.1), (front - 0.15, view.depth - 0.15), 0.3, 0.5)
    view.box(x, (0, top), (front, view.depth), wood, second=wood * 0.8, pattern=grooves)
    for at, y in ((middle, (0.08, top - 0.05)), (middle - 0.06, (0.95, 1.15)), (middle + 0.06, (0.95, 1.15))):
        view.paint(FRONT, front, _around(at, 0.01), y, wood * 0.2)


def _draw_bedside(view, rng, x):
    """A table with drawers beside the bed, most with a lamp, half of the lamps lit."""
    wood, front, height, lit = pick(rng, WOODS), view.depth - 0.45, rng.uniform(0.5, 0.6), rng.random() < 0.5
    view.shadow(LEVEL, 0, _around(x, 0.3), (front - 0.1, view.depth - 0.15), 0.25, 0.5)
    view.box(_around(x, 0.23), (0, height), (front, view.depth - 0.05), wood)
    for low in (0.06, height / 2 + 0.02):
        drawer = _around(x, 0.19), (low, low + height / 2 - 0.08)
        view.paint(FRONT, front, *drawer, wood * 0.7, relief=rim(*drawer, 0.1))
    if rng.random() < 0.3:
        return
    bottom, shade, warm = height + 0.22, pick(rng, "f3e3c3 efe6d6 e8cfa6"), np.array([1.6, 1.15, 0.6], np.float32)
    view.paint(FRONT, front + 0.2, _around(x, 0.03), (height, bottom), wood * 0.4)
    if lit:
        glow = _around(x, 0.3), (bottom - 0.2, bottom + 0.5)
        view.paint(FRONT, view.depth, *glow, warm, soft=0.8, opacity=0.22, glows=True)
        view.lights.append(((x, bottom + 0.15, front), warm * 0.16))
        shade *= 1.7

    def cone(u, v, size_u, size_v):
        return np.clip(0.5 + (0.19 - 0.3 * (v - bottom) - np.abs(u - x)) / size_u, 0, 1)

    view.paint(FRONT, front + 0.2, _around(x, 0.2), (bottom, bottom + 0.27), shade, shape=cone, glows=lit)


def _draw_bed(view, rng, x, side_on):
    """A bed seen from its foot, the head at the back wall; or side on, along that wall."""
    far = view.depth - (rng.uniform(0.15, 0.5) if side_on else 0.1)
    near, top = far - (rng.uniform(1.2, 1.5) if side_on else rng.uniform(1.85, 2.0)), rng.uniform(0.5, 0.6)
    wood, sheet, head = pick(rng, WOODS), pick(rng, WHITES), rng.uniform(0.95, 1.15 if side_on else 1.3)
    left_is_head, bare = rng.random() < 0.5, rng.uniform(0.55, 0.8)  # bare: the length that the blanket leaves
    view.shadow(LEVEL, 0, _wider(x, 0.1), (near - 0.1, far - 0.2), 0.5, 0.8)
    view.shadow(FRONT, view.depth, _wider(x, 0.05), (0.1, top + 0.2 if side_on else head), 0.3, 0.4)
    if side_on:
        ends = (x[0] - 0.08, x[0]), (x[1], x[1] + 0.08)
        head_x, foot_x = ends if left_is_head else ends[::-1]
        view.box(head_x, (0, head), (near - 0.02, far), wood)
        blanket_x, blanket_far = (x[0] + bare, x[1]) if left_is_head else (x[0], x[1] - bare), far
    else:
        _draw_headboard(view, rng, x, head, wood)
        blanket_x, blanket_far = _wider(x, 0.04), far - bare
    view.box(x, (0.08, 0.3), (near, far), wood)
    view.box(x, (0.25, top), (near, far), sheet)
    if side_on:
        start = x[0] + 0.02 if left_is_head else x[1] - 0.57
        for z in (far - 0.3, near + 0.35):
            _draw_pillow(view, (start, start + 0.55), (top - 0.02, top + 0.3), z, sheet)
    else:
        view.shadow(LEVEL, top, x, (far - 0.4, far), 0.2, 0.35)
        _draw_pillows(view, rng, x, top, far - 0.2, sheet)
    _draw_blanket(view, rng, blanket_x, (rng.uniform(0.1, 0.3), top + 0.04), (near - 0.04, blanket_far))
    if side_on:
        view.box(foot_x, (0, top + rng.uniform(0.05, 0.2)), (near - 0.05, far), wood)
    elif rng.random() < 0.6:  # the sheet is folded back over the blanket
        view.paint(LEVEL, top + 0.05, blanket_x, (blanket_far - 0.22, blanket_far), sheet, relief=folds(0.5, 0.12))


def _draw_headboard(view, rng, x, head, wood):
    """Slats, upholstery channels or a plain panel."""
    kind, period, material = rng.random(), rng.uniform(5, 12) * view.depth / view.focal, {"color": wood}
    if kind < 0.4:
        material |= {"second": wood * 0.4, "pattern": stripes(0, period, 0.2)}
    elif kind < 0.7:
        material = {"color": pick(rng, CURTAINS), "relief": folds(period, 0.5)}
    view.box(_wider(x, 0.04), (0, head), (view.depth - 0.1, view.depth), **material)


def _draw_pillows(view, rng, x, top, z, sheet):
    """Two pillows that lean on the headboard, and up to two small cushions before them."""
    color, step, period = pick(rng, CUSHIONS), (x[1] - x[0]) / 2, rng.uniform(3, 8) * z / view.focal
    striped = {"second": color * 0.6, "pattern": stripes(0, period)} if rng.random() < 0.5 else {}
    middles = x[0] + step * 0.5, x[0] + step * 1.5
    for middle in middles:
        _draw_pillow(view, _around(middle, step * 0.45), (top - 0.04, top + 0.4), z, sheet)
    for middle in middles[: rng.integers(3)]:
        _draw_pillow(view, _around(middle, 0.21), (top - 0.02, top + 0.3), z - 0.15, color, **striped)


def _draw_pillow(view, x, y, z, color, **material):
    """A plump rectangle: outline and shading are powers of the distance from its middle (-1 to 1 each way)."""

    def offset(at, extent):
        return (2 * at - sum(extent)) / (extent[1] - extent[0])

    def outline(u, v, size_u, size_v):
        inside = 1 - np.square(offset(u, x) ** 2) - np.square(offset(v, y) ** 2)
        return np.clip(0.5 + inside * (y[1] - y[0]) / (8 * size_u), 0, 1)

    def shade(u, v, *_):
        up = offset(v, y)
        return 1.25 - 0.25 * offset(u, x) ** 2 - 0.2 * up**2 + 0.22 * up

    view.paint(FRONT, z, x, y, color, **material, shape=outline, relief=shade)


def _draw_blanket(view, rng, x, y, z):
    """A box of cloth over the mattress: plain, striped or checked, with shallow folds."""
    color, kind, period, axis = pick(rng, CLOTHS), rng.random(), rng.uniform(0.06, 0.2), rng.integers(2)
    second = pick(rng, CLOTHS) if rng.random() < 0.4 else color * 0.55
    pattern = grid(period, period, 0.5, 0.5, 0) if kind < 0.4 else stripes(axis, period) if kind < 0.7 else None
    shallow = folds(rng.uniform(0.4, 0.8), rng.uniform(0.15, 0.4), rng.uniform(-1, 1))
    view.box(x, y, z, color, second=second, pattern=pattern, relief=shallow)
