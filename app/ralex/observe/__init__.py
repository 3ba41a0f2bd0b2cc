"""For people who feed their own dashboards: facts of each call and turn, never what was said."""
