"""page.py SUMMARY: prints a page that looks much as a run's page shows a job summary. page.py --cut FROM TO: cuts what is empty below."""

import sys

from markdown_it import MarkdownIt

STYLE = """
body { margin: 0; background: #fff; color: #1f2328; font: 15px/1.5 Inter, "Noto Sans", sans-serif; }
main { margin: 20px; padding: 4px 24px 12px; border: 1px solid #d0d7de; border-radius: 8px; }
h2 { margin: 16px 0 14px; padding-bottom: 8px; border-bottom: 1px solid #d8dee4; font-size: 23px; }
h3 { margin: 22px 0 12px; font-size: 18px; }
p { margin: 0 0 14px; }
ul { padding-left: 24px; margin: 0 0 14px; }
table { border-collapse: collapse; margin: 0 0 14px; font-size: 14px; }
th, td { border: 1px solid #d0d7de; padding: 6px 11px; text-align: left; vertical-align: top; }
tr:nth-child(even) td { background: #f6f8fa; }
code, pre { font: 13px/1.45 "JetBrains Mono", "DejaVu Sans Mono", monospace; background: #eff1f3; border-radius: 6px; }
code { padding: 2px 5px; }
pre { padding: 12px; overflow: hidden; }
pre code { padding: 0; background: none; }
a { color: #0969da; text-decoration: none; }
.out { background: #ffebe9; } .in { background: #dafbe1; } .at { color: #8250df; }
details { margin: 0 0 12px; } summary { font-weight: 600; }
"""


def cut(source, target):
    from PIL import Image, ImageChops

    picture = Image.open(source).convert("RGB")
    inner = ImageChops.difference(picture, Image.new("RGB", picture.size, (255, 255, 255))).getbbox()
    picture = picture.crop((0, 0, picture.width, min(picture.height, inner[3] + 24)))
    # An octree keeps the few coloured points among so much grey; a median cut does not.
    picture.quantize(colors=64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(target, optimize=True)


def page(path):
    text = open(path, encoding="utf-8").read()
    body = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text)
    lines = []
    in_diff = False
    for line in body.split("\n"):
        in_diff = in_diff or 'class="language-diff"' in line
        kind = {"-": "out", "+": "in", "@": "at"}.get(line[:1]) if in_diff else None
        lines.append(f'<span class="{kind}">{line}</span>' if kind else line)
        in_diff = in_diff and "</code>" not in line
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><main>{chr(10).join(lines)}</main>'


if sys.argv[1] == "--cut":
    cut(sys.argv[2], sys.argv[3])
else:
    print(page(sys.argv[1]))
