"""One module a screen. Screens draw what the app hands them; they know no API server."""
