#!/bin/sh
# Stands in for a Python with the notebook, since a benchmark is about the hosts and not about Jupyter.
case "$1$#" in
-BI3) sed 's/.*"files": \["\([^"]*\)".*/\1/' ;; # the files that an answer rests on
-Bc3) printf '{"source":"%s","python":"%s","packages":{"notebook":"7.0","jupyter_server":"2.10","ipykernel":"6.0","matplotlib":"3.8"},"files": ["%s"]}\n' "$3" "$0" "$0" ;;
-Bc7)
	while IFS= read -r line; do
		case $line in 'c.ServerApp.port = '*) port=${line##* } && break ;; esac
	done <"$3/jupyter_server_config.py"
	printf '{"ready": true, "port": %s, "kernels": [], "terminals": []}\n' "$port"
	[ "$port" = "$7" ] || exit 10
	;;
*) exec sleep 3600 ;;
esac
