"""Pages of docs/ that are drawn from the code: `./run pages` writes them, tests/unit/test_pages.py says where one is stale."""
