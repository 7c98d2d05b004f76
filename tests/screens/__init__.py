"""Every screen of both sides, as a picture and as text: `./run screens OUT/`. docs/screens.md says what is made and looked at."""
