"""Random texts that open something. They are handed out once; only their hashes are stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_token() -> str:
    """192 random bits as 32 letters that fit into an address and a cookie."""
    return secrets.token_urlsafe(24)


def digest(token: str) -> str:
    """What is stored of a token: its SHA-256 in hexadecimal. The token is random, so no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def is_token_of(token: str | None, stored: str | None) -> bool:
    """Whether `stored` is the hash of `token`, in the same time whatever differs. False when either is missing."""
    return hmac.compare_digest(digest(token or ""), stored or "") and bool(token)
