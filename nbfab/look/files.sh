# shellcheck shell=sh
# The folder of the notebooks, and the files that nbfab manages in the profile's folder.

# Uses directory, absolute.
look_directory() {
	make_absolute "$directory"
	fact files.directory "$absolute"
	if [ ! -e "$absolute" ]; then
		fact files.directory_state absent
	elif [ ! -d "$absolute" ]; then
		fact files.directory_state other
	elif [ ! -x "$absolute" ] || [ ! -r "$absolute" ]; then
		fact files.directory_state unreadable
	else
		fact files.directory_state ok
	fi
}

# Uses folder, modules, paths, texts. Sets paths, texts.
look_files() {
	fact files.folder "$folder"
	near=$folder
	while [ ! -e "$near" ] && [ "$near" != / ]; do near=$(dirname "$near"); done
	fact files.nearest "$near"
	if [ -w "$near" ]; then
		fact files.writable yes
	else
		fact files.writable no
		fact host.user "$(id -un 2>/dev/null || id -u)"
	fi
	if [ -L "$folder" ]; then
		fact files.state link
	elif [ ! -e "$folder" ]; then
		fact files.state absent
	elif [ ! -d "$folder" ] || ! cd "$folder" 2>/dev/null; then
		fact files.state other
	else
		fact files.state folder
		for module in $modules; do
			if [ -d "$module" ]; then fact files.sums "$(cksum "$module"/*.py 2>/dev/null)"; fi
		done
		# Those of kernels, also of such that are no longer wanted.
		for spec in share/jupyter/kernels/nbfab.*/kernel.json; do
			case $spec in *'*'* | *[!A-Za-z0-9_./-]*) continue ;; esac
			paths="$paths ${spec%/*} $spec ${spec%/*}/environment" texts="$texts $spec ${spec%/*}/environment"
		done
		print_facts
		print_entries
		cd /
	fi
}

# Prints mode, owner and text of the managed files of the current folder, with one ls and one awk for all of them. Of
# a PEM only the certificate is printed: the key stays on the host. Only regular files are opened: a FIFO would block.
# No managed path contains a blank. Uses paths, texts, certificates.
print_entries() {
	# shellcheck disable=SC2086,SC2012 # a list of paths, and their modes
	LC_ALL=C ls -lnd $paths 2>/dev/null | awk -v texts=" $texts " -v certificates=" $certificates " '
		{
			sub(/ -> .*/, "")
			path = $NF; mode = substr($1, 1, 10); out = part = ""
			whole = index(texts, " " path " "); shown = whole
			if (substr(mode, 1, 1) == "-" && (whole || index(certificates, " " path " "))) {
				# None of them is longer, and more of another file is of no use.
				while (length(out) < 480000 && (getline line < path) > 0 && length(line) < 200000) {
					if (line ~ /^-----BEGIN/) shown = whole || line ~ /^-----BEGIN CERTIFICATE/
					gsub(/[\\"]/, "\\\\&", line)
					if (shown) part = part line "\\n"
					if (length(part) > 8000) { out = out part; part = "" } # to append costs what is there
					if (!whole && line ~ /^-----END/) shown = 0
				}
				close(path)
			}
			gsub(/[\\"]/, "\\\\&", path)
			printf "{\"files.entries\":{\"path\":\"%s\",\"mode\":\"%s\",\"owner\":\"%s\",\"text\":\"%s\"}}\n", path, mode, $3, out part
		}' 2>/dev/null
}

# The public half of the key in a PEM, and whether the key loads, which is assumed if no program there can check it.
look_key() { # PEM
	loads=yes
	if command -v openssl >/dev/null 2>&1; then
		public=$(openssl pkey -in "$1" -pubout -passin pass: 2>/dev/null) || loads=no
		fact files.key "$public"
	elif command -v python3 >/dev/null 2>&1; then
		python3 -BI -c 'import ssl, sys; ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(sys.argv[1], password="")' \
			"$1" >/dev/null 2>&1 || loads=no
	fi
	fact files.key_loads "$loads"
}
