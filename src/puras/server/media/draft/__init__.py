"""Media without a key: real files, free, the same each time, and labelled as drafts."""
