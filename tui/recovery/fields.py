"""Where the answers of a health check were kept; the ownership room reads conditions too and holds them now."""

from tui.ownership.conditions import CheckStatus

__all__ = ["CheckStatus"]
