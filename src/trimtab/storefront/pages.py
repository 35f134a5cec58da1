"""What the shop shows: two pages and a handful of static files, all small and all in memory."""

from __future__ import annotations

from binascii import a2b_base64

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="stylesheet" href="/style.css"><script src="/shop.js" defer></script></head>
<body><header><img src="/logo.png" alt="" width="1" height="1"> <strong>Shop</strong></header>
<main>{body}</main><footer>served by {backend} in {site}</footer></body></html>
"""
_HOME = """<h1>Shop</h1><p>Every order here is written once, whichever site takes it.</p>
<p><a href="/login">Sign in</a></p>"""
_LOGIN = """<h1>Sign in</h1><form method="post" action="/login">
<label>Name <input name="name" autocomplete="username"></label> <button>Sign in</button></form>"""

# one pixel each: enough for a picture's type, length and caching to be real
_PNG = a2b_base64(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
_JPG = a2b_base64(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP"
    + "/" * 86
    + "wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)
_CSS = (
    b"body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#222}\n"
)
_JS = b"document.documentElement.dataset.ready = 'yes';\n"

_TYPES = {".css": ("text/css; charset=utf-8", _CSS), ".js": ("text/javascript; charset=utf-8", _JS)}
_TYPES.update({".png": ("image/png", _PNG), ".jpg": ("image/jpeg", _JPG)})


def home(site: str, backend: str) -> bytes:
    return _PAGE.format(title="Shop", body=_HOME, backend=backend, site=site).encode()


def login(site: str, backend: str) -> bytes:
    return _PAGE.format(title="Sign in", body=_LOGIN, backend=backend, site=site).encode()


def static(path: str) -> tuple[str, bytes] | None:
    """Content type and bytes of a static file, by its suffix; None for any other path."""
    if path == "/health.txt":
        return "text/plain; charset=utf-8", b"ok\n"
    name, dot, suffix = path.rpartition(".")
    return _TYPES.get(dot + suffix) if name.startswith("/") and "/." not in path else None
