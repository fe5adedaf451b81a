"""What users see and are asked: reports, tables, progress, the page, questions. Only this prints.

Nothing here decides what happens on a host.
"""
