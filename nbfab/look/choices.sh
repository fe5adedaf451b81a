# shellcheck shell=sh
# What was chosen for the profile, of which the look itself needs some: a line `OPTION SOURCE VALUE` for each option.

# Settles what the look depends on. In such lines, `offered` counts unless the profile has a choice of its own, and
# `demanded` counts more than that, or adds to it if its SOURCE is `+`; `forgotten` are OPTIONs, or OPTION/SOURCEs, that
# no longer count there.
# Uses folder, offered, demanded, forgotten.
# Sets port, directory, python, app, packages, kernels, several, at_boot.
look_choices() {
	port='' directory='' python='' app='' packages='' kernels='' at_boot='' made='' count=0 line=''
	take_all "$offered"
	if [ -f "$folder/choices" ] && [ -r "$folder/choices" ]; then
		several=
		while { IFS= read -r line || [ -n "$line" ]; } && [ $count -lt 500 ] && [ ${#made} -le 65536 ]; do
			made=$made$line$newline
			count=$((count + 1))
			case $line in '#'*) continue ;; esac
			if [ ${#line} -gt 6000 ]; then continue; fi # some shells take forever over it
			option=${line%% *} source=${line#* }
			case " $forgotten " in *" $option "* | *" $option/${source%% *} "*) ;; *) take "$line" ;; esac
		done <"$folder/choices"
		fact choices.made "$made"
	elif [ -f "$folder/environment" ] && IFS= read -r line <"$folder/environment"; then
		fact choices.environment "$line"
	fi
	take_all "$demanded"
	fact choices.port "$port"
	fact choices.directory "$directory"
	fact choices.python "$python"
	fact choices.app "$app"
	if [ -n "$packages" ]; then fact choices.packages "$packages"; fi
	if [ -n "$kernels" ]; then fact choices.kernels "${kernels%"$newline"}"; fi
}

# Sets port, directory, python, app, packages, kernels, several, at_boot.
take_all() { # lines
	lines=$1 several=
	while [ -n "$lines" ]; do
		first=${lines%%"$newline"*} # posh gets this wrong within quotes
		take "$first"
		lines=${lines#*"$newline"}
	done
}

# Of those whose values may hold blanks, each has a line; they replace those of before together.
# Uses packages, kernels, several. Sets port, directory, python, app, packages, kernels, several, at_boot.
take() { # line
	case $1 in *' '*' '*) value=${1#* * } ;; *) value= ;; esac
	case $1 in
	'port '*) port=$value ;;
	'directory '*) directory=$value ;;
	'python '*) python=$value ;;
	'app '*) app=$value ;;
	'at_boot '*) at_boot=$value ;;
	'packages + '*)
		for word in $value; do
			case " $packages " in *" $word "*) ;; *) packages=$packages${packages:+ }$word ;; esac
		done
		;;
	'packages '*) packages=$value ;;
	'kernels '*)
		case $1 in 'kernels + '*) ;; *) if [ -z "$several" ]; then kernels=''; fi ;; esac
		several=yes
		case $newline$kernels in
		*"$newline$value$newline"*) ;;
		*) if [ -n "$value" ]; then kernels=$kernels$value$newline; fi ;;
		esac
		;;
	esac
}
