# Completion of tagwatch for bash.
_tagwatch() {
	local IFS=$' \t\n' line="${COMP_LINE:0:COMP_POINT}" current=
	local -a words
	# Bash splits names at their colons, too; these are whole words.
	read -ra words <<< "$line"
	if [[ $line != *[[:space:]] ]]; then
		current="${words[-1]}"
		unset 'words[-1]'
	fi
	IFS=$'\n'
	COMPREPLY=($(command tagwatch "${words[@]:1}" "$current" --generate-bash-completion 2>/dev/null))
	# What stands before the last colon, bash has completed already.
	if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}")
	fi
}
complete -o default -F _tagwatch tagwatch
