# shellcheck shell=sh
# logind, which may end what a user leaves running.

# Succeeds if logind ends what the user leaves running at logout, unless that is in a scope of the user's own manager.
# Sets user.
ends_at_logout() {
	user=$(id -un)
	answer=$(busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager \
		KillUserProcesses KillOnlyUsers KillExcludeUsers 2>/dev/null </dev/null) || return 1
	{ read -r _ every && read -r _ only && read -r _ spared; } <<EOT || return 1
$answer
EOT
	# logind.conf(5): unless others are spared, root is; then only those who are listed, if any are, or else all.
	if [ "$spared" = 0 ]; then spared='1 "root"'; fi
	case $spared in *"\"$user\""*) return 1 ;; esac
	case $only in
	0) [ "$every" = true ] ;;
	*"\"$user\""*) ;;
	*) return 1 ;;
	esac
}

# Succeeds if the user's own manager runs without a login.
lingers() { # user
	[ "$(loginctl show-user "$1" -p Linger 2>/dev/null </dev/null)" = Linger=yes ]
}

# Which login session a process belongs to, such as session-3.scope; none for one of the user's own manager.
# Sets session.
session_of() { # pid
	session=
	if [ ! -r "/proc/$1/cgroup" ]; then return; fi
	while read -r group; do
		# cgroups(7): " (deleted)" may follow.
		case $group in */session-*.scope*)
			group=${group##*/session-}
			session=session-${group%%.scope*}.scope
			return
			;;
		esac
	done 2>/dev/null <"/proc/$1/cgroup"
}
