# Completion of tagwatch for bash.
_tagwatch() {
	local current="${COMP_WORDS[COMP_CWORD]}"
	local -a words=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
	# A lone -- would end the options.
	[[ $current == -* ]] && words+=("${current/%--/-}")
	local IFS=$'\n'
	COMPREPLY=($(compgen -W "$(command tagwatch "${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$current"))
}
complete -o default -F _tagwatch tagwatch
