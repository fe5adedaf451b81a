# shellcheck shell=sh
# Kernels that are no longer in the menu.

# Removes the files of one, and its folder if nothing else is in it. Uses file.
drop_kernel() {
	rm -f "$file" "${file%/*}/environment" || return 1
	rmdir "${file%/*}" 2>/dev/null || :
}
