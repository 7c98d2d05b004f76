"""The clerk's console: pages for people, beside the API for programs. Every act works without JavaScript."""
