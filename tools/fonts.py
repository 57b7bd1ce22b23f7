#!/usr/bin/env python3
"""Cuts the fonts of static/fonts anew out of the slices that Fontsource publishes (ADR 20).

    apt-get install python3-fonttools python3-brotli
    npm install --prefix DIR --ignore-scripts @fontsource-variable/noto-sans-sc@5.3.1 \\
        @fontsource/noto-serif-sc@5.3.0 @fontsource-variable/noto-sans@5.3.0
    python3 tools/fonts.py DIR/node_modules static

Writes fonts/*.woff2, fonts/slices.csv and the fonts' lines of vendored.csv.
"""

import csv
import hashlib
import json
import os
import shutil
import sys
from io import BytesIO

from fontTools import merge, subset
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables import otTables
from fontTools.ttLib.tables._c_m_a_p import cmap_format_4
from fontTools.varLib import builder, instancer

WEIGHTS = (400, 500, 700)  # of the sans that the style sheets ask for
SCRIPTS = ("cyrillic", "vietnamese", "latin-ext", "latin")
SIGNS = range(100, 120)  # slices of frequent Han and the punctuation among them
VERTICAL = {"vhea", "vmtx", "BASE"}  # tables that lines across do not need
RARE = 4  # pieces of what GB 2312 lacks
SANS, SERIF, GREEK = "@fontsource-variable/noto-sans-sc", "@fontsource/noto-serif-sc", "@fontsource-variable/noto-sans"
FILES = {"sans": (SANS, "noto-sans-sc-%s-wght-normal"), "serif": (SERIF, "noto-serif-sc-%s-700-normal")}


def level(lead):
    """The characters of GB 2312 whose first byte is in lead."""
    pairs = (bytes((a, b)) for a in lead for b in range(0xA1, 0xFF))
    return {ord(c) for p in pairs for c in p.decode("gb2312", "ignore")}


FIRST, SECOND = level(range(0xB0, 0xD8)), level(range(0xD8, 0xF8))


def han(c):
    return 0x3400 <= c <= 0x9FFF or 0xF900 <= c <= 0xFAFF or c >= 0x20000


def code_points(unicode_range):
    for part in unicode_range.split(","):
        first, _, last = part.removeprefix("U+").partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def ranges(cps):
    spans = []
    for c in sorted(cps):
        if spans and spans[-1][1] == c - 1:
            spans[-1][1] = c
        else:
            spans.append([c, c])
    return " ".join("%04x" % a if a == b else "%04x-%04x" % (a, b) for a, b in spans)


def saved(font):
    font.flavor = "woff2"
    out = BytesIO()
    font.save(out)
    return out.getvalue()


class Cutter:
    def __init__(self, modules):
        self.modules = modules
        table = json.load(open(f"{modules}/{SERIF}/unicode.json"))  # the older: both have what it says
        self.slices = {name.strip("[]"): set(code_points(r)) for name, r in table.items()}
        self.owner = {c: name for name, cps in self.slices.items() for c in cps}  # the later counts
        self.open = {}

    def path(self, family, name):
        package, pattern = FILES[family]
        return f"{self.modules}/{package}/files/{pattern % name}.woff2"

    def slice(self, family, name):
        if (family, name) not in self.open:
            font = TTFont(self.path(family, name))
            self.open[family, name] = font, font.getBestCmap()
        return self.open[family, name]

    def joined(self, family, cps):
        """One font of the Han in cps: outlines and widths without features, of which Han need none in a line."""
        font = TTFont(self.path(family, "118"), recalcTimestamp=False)
        source, _ = self.slice(family, "118")
        variable = "gvar" in font
        order, glyphs, widths, deltas, cmap = [".notdef"], {}, {}, {}, {}
        glyphs[".notdef"], widths[".notdef"] = source["glyf"][".notdef"], source["hmtx"][".notdef"]
        for c in sorted(cps):
            part, names = self.slice(family, self.owner[c])
            if c not in names:
                continue
            name, was = f"u{c:05X}", names[c]
            glyph = part["glyf"][was]
            assert not glyph.isComposite(), name
            order.append(name)
            cmap[c], glyphs[name], widths[name] = name, glyph, part["hmtx"][was]
            if variable:
                deltas[name] = part["gvar"].variations.get(was, [])
        for tag in (VERTICAL | {"GSUB", "GPOS", "GDEF", "HVAR"}) & {*font.keys()}:
            del font[tag]
        for tag in font.keys():
            if tag != "GlyphOrder":
                font[tag]  # read before the order of the glyphs changes
        font.setGlyphOrder(order)
        font["glyf"].glyphs, font["glyf"].glyphOrder = glyphs, order
        font["hmtx"].metrics = widths
        table = cmap_format_4(4)
        table.platformID, table.platEncID, table.language, table.cmap = 3, 1, 0, cmap
        font["cmap"].tables = [table]
        if variable:
            font["gvar"].variations = deltas
            font["HVAR"] = constant_widths(font, order)
        return font

    def frequent(self, family, weight, cps):
        """One font of one weight: frequent Han, and the signs among them with all their features."""
        parts = [self.joined(family, set(filter(han, cps)))]
        for name in map(str, SIGNS):
            own = {c for c in cps if not han(c) and self.owner[c] == name}
            if own:
                options = subset.Options(layout_features=["*"], notdef_outline=True, recalc_timestamp=False)
                cut = subset.Subsetter(options)
                cut.populate(unicodes=own)
                parts.append(TTFont(self.path(family, name), recalcTimestamp=False))
                cut.subset(parts[-1])
        files = []
        for font in parts:
            font = of_weight(font, weight)
            font.flavor = None
            for tag in VERTICAL & {*font.keys()}:
                del font[tag]
            files.append(BytesIO())
            font.save(files[-1])
            files[-1].seek(0)
        font = merge.Merger().merge(files)
        font.recalcTimestamp = False
        font["head"].created = font["head"].modified = self.slice(family, "118")[0]["head"].modified
        return font


def of_weight(font, weight):
    return instancer.instantiateVariableFont(font, {"wght": weight}) if "fvar" in font else font


def constant_widths(font, order):
    """An HVAR that says that no weight is wider than another."""
    table, tag = newTable("HVAR"), font["fvar"].axes[0].axisTag
    h = table.table = otTables.HVAR()
    h.Version = 0x00010000
    regions = builder.buildVarRegionList([{tag: (0, 1, 1)}], [tag])
    h.VarStore = builder.buildVarStore(regions, [builder.buildVarData([0], [[0]], optimize=False)])
    h.AdvWidthMap = builder.buildVarIdxMap([0] * len(order), order)
    h.LsbMap = h.RsbMap = None
    return table


def main(modules, static):
    cutter = Cutter(modules)
    every = set(cutter.owner)
    whole = [n for n in cutter.slices if n not in SCRIPTS and (int(n) not in range(22, 85) and int(n) not in SIGNS)]
    owned = lambda names: {c for c, n in cutter.owner.items() if n in names}
    rest = every - owned({*whole, *SCRIPTS}) - FIRST - SECOND
    rare = sorted(filter(han, rest))
    signs = {c for c in rest if not han(c)}
    # The slices 21 and 85 hold signs and rare Han: they stay whole.
    pieces = [(n, owned({n}) - FIRST - SECOND, None) for n in whole]
    step = -(-len(rare) // RARE)
    pieces += [(f"rare-{i + 1}", set(rare[i * step : (i + 1) * step]), None) for i in range(RARE)]
    pieces += [("second", SECOND & every, None), ("first", FIRST & every | signs, WEIGHTS)]
    greek = set(code_points(json.load(open(f"{modules}/{GREEK}/unicode.json"))["greek"]))
    pieces += [("greek", greek, None)]
    pieces += [(n, owned({n}), WEIGHTS if n == "latin" else None) for n in SCRIPTS]

    made = {}  # name of a file: package, bytes
    for family, (package, _) in FILES.items():
        for name, cps, weights in pieces:
            if name == "greek":
                continue
            for weight in weights if weights and family == "sans" else (None,):
                file = f"{family}-{name}" + (f"-{weight}" if weight else "")
                if name == "first":
                    made[file] = package, saved(cutter.frequent(family, weight, cps))
                elif weight:
                    made[file] = package, saved(of_weight(TTFont(cutter.path(family, name), recalcTimestamp=False), weight))
                elif name in cutter.slices:
                    made[file] = package, open(cutter.path(family, name), "rb").read()
                else:
                    made[file] = package, saved(cutter.joined(family, cps))
                print(file, len(made[file][1]), file=sys.stderr)
    made["sans-greek"] = GREEK, open(f"{modules}/{GREEK}/files/noto-sans-greek-wght-normal.woff2", "rb").read()

    for old in os.listdir(f"{static}/fonts"):
        if old.endswith(".woff2"):
            os.remove(f"{static}/fonts/{old}")
    rows = list(csv.reader(open(f"{static}/vendored.csv")))
    rows = [r for r in rows if not r[0].endswith(".woff2")]
    for name, (package, data) in made.items():
        with open(f"{static}/fonts/{name}.woff2", "wb") as f:
            f.write(data)
        version = json.load(open(f"{modules}/{package}/package.json"))["version"]
        rows.append([f"fonts/{name}.woff2", f"{package} (npm)", version, hashlib.sha256(data).hexdigest(), "OFL-1.1"])
    with open(f"{static}/vendored.csv", "w", newline="") as f:
        csv.writer(f, lineterminator="\n").writerows(rows[:1] + sorted(rows[1:]))
    with open(f"{static}/fonts/slices.csv", "w", newline="") as f:
        csv.writer(f, lineterminator="\n").writerows([("slice", "code_points"), *((n, ranges(c)) for n, c, _ in pieces)])


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets gets into what is merged
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    main(*sys.argv[1:])
