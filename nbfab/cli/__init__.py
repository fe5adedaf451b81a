"""The command line: Invoke's and Fabric's tasks, options and programs. The only place that knows them.

Nothing here knows how a task does what it does, and nothing else imports from here.
"""

from nbfab.cli.windows import refuse

refuse()  # here, since all ways to a task come by: `nbfab`, `python -m nbfab`, tasks.py and fabfile.py
