"""What `nbfab` alone prints: enough to get started, on half a screen."""

FIRST = """\
nbfab sets up a password-protected Jupyter server over HTTPS: on this machine,
or on one that you reach by SSH.

One machine:
  nbfab setup             this one: asks for a password, and prints the URL
  nbfab -H HOST setup     another one, as for ssh: gpu1, ann@gpu1.example.org
  nbfab -H HOST status    whether the server runs, and its URL
  nbfab -H HOST stop      ends the server

Many machines:
  nbfab init              writes hosts.yaml, for you to fill in
  nbfab fleet.plan        shows what would change on them
  nbfab fleet.setup       shows it, asks, and does it

More:
  nbfab --list            all tasks
  nbfab --help setup      a task and its options
  nbfab --help            everything"""
