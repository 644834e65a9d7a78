"""What runs learned, kept in one SQLite file.

`schema` holds the tables and their history, `database` opens a file, `rows` turns records into rows,
`writer` is the one thread that writes, `edges` packs sets of node numbers, `queries` reads. Nothing here
knows where visits run.
"""
